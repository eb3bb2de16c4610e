import { z } from "zod";
import type { ClaimPath, JwtPrincipalConfig, PrincipalPart, RequiredClaim } from "./jwt-config.js";

const maxClaimLength = 256;

/** `{sub}`, or text that stands for itself. */
const templatePart = /\{([^{}]*)\}|([^{}]+)|[{}]/gu;

/** A claim by its name, or by a JSON pointer (RFC 6901) where it stands within another. */
export function parseClaimPath(text: string): ClaimPath {
  if (!text.startsWith("/")) return [text];
  return text
    .slice(1)
    .split("/")
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** A claim's name in the configuration. */
export const claimPathSchema: z.ZodType<ClaimPath, string> = z
  .string()
  .min(1)
  .max(maxClaimLength)
  .transform(parseClaimPath);

/** The template of a principal. */
export const principalTemplateSchema: z.ZodType<JwtPrincipalConfig, string> = z
  .string()
  .min(1)
  .max(512)
  .transform((template, context): JwtPrincipalConfig => {
    const parts = Array.from(template.matchAll(templatePart), partOf);
    const read = parts.flatMap((part) => (part === undefined ? [] : [part]));
    const message = read.length < parts.length ? "must have the name of a claim in each pair of braces" : flaw(read);
    if (message === undefined) return { kind: "template", parts: read };
    context.addIssue(`${message}, such as {sub}`);
    return z.NEVER;
  });

function partOf([, claim, text]: RegExpExecArray): PrincipalPart | undefined {
  if (text !== undefined) return { text };
  return claim === undefined || claim === "" ? undefined : { claim: parseClaimPath(claim) };
}

/** Two tokens must not be able to make one principal of different claims. */
function flaw(parts: readonly PrincipalPart[]): string | undefined {
  if (!parts.some((part) => "claim" in part)) return "must name a claim, or every token would be the same principal";
  const touching = parts.some((part, index) => "claim" in part && "claim" in (parts[index + 1] ?? {}));
  return touching ? "must have a text between two claims, or their values could run together" : undefined;
}

const claimValue = z.union([z.string().max(512), z.number(), z.boolean()]);

/** `required_claims`. */
export const requiredClaimsSchema: z.ZodType<readonly RequiredClaim[]> = z
  .record(z.string().min(1).max(maxClaimLength), z.union([claimValue, z.array(claimValue).min(1).max(100)]))
  .default({})
  .transform((claims) =>
    Object.entries(claims).map(([name, value]): RequiredClaim => ({
      path: parseClaimPath(name),
      values: Array.isArray(value) ? value : [value],
    })),
  );
