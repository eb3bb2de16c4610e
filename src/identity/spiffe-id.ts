/** The longest that the standard lets an id be. */
const maxLength = 2_048;

/** Lower-case scheme and trust domain, then at least one segment; nothing is escaped, so nothing means another thing. */
const form = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)+)$/u;

/** The trust domain of a SPIFFE ID of a workload; undefined for everything that is not exactly one. */
export function trustDomainOf(id: string): string | undefined {
  if (id.length > maxLength) return undefined;
  const [, trustDomain, path = ""] = form.exec(id) ?? [];
  return path.split("/").some((segment) => segment === "." || segment === "..") ? undefined : trustDomain;
}

/** Whether a text can be a trust domain. */
export function isTrustDomain(text: string): boolean {
  return /^[a-z0-9._-]{1,255}$/u.test(text);
}

/** Whether a text is one host's DNS name in lower case, without a wildcard. */
export function isDnsName(text: string): boolean {
  return text.length <= 253 && /^(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*$/u.test(text);
}
