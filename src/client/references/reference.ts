/** How a text names a secret. */
export const secretPrefix = "os.environ/";
/** How a text names a token of an OIDC provider. */
export const oidcPrefix = "oidc/";

/** What a text refers to. */
export type Reference =
  | { readonly kind: "secret"; readonly name: string }
  | { readonly kind: "oidc"; readonly provider: string; readonly text: string };

/**
 * What a text refers to; undefined when it is a value of its own.
 * @param isLenient takes the prefix out wherever it stands, as the reference does, and not only in front
 */
export function parseReference(text: string, isLenient: boolean): Reference | undefined {
  if (text.startsWith(oidcPrefix)) {
    const [provider = ""] = text.slice(oidcPrefix.length).split("/");
    return { kind: "oidc", provider, text };
  }
  if (!text.startsWith(secretPrefix)) return undefined;
  const name = isLenient ? text.replaceAll(secretPrefix, "") : text.slice(secretPrefix.length);
  return { kind: "secret", name };
}
