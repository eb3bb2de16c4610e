import type { JwtIssuerConfig, PrincipalPart } from "../config/jwt-config.js";
import { claimAt } from "./jwt-claims.js";
import { invalidJwt } from "./jwt-refusal.js";
import type { Claims } from "./jwt-text.js";

/** Whom a token proves. */
export interface JwtPrincipal {
  readonly principal: string;
  readonly groups: readonly string[];
}

const maxNameLength = 512;
const maxGroups = 1_000;

/** A DNS label, and a DNS name: what Kubernetes lets namespaces and service accounts be called. */
const serviceAccount =
  /^system:serviceaccount:([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?):([a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?)$/u;

/** What makes lines of a log or a terminal mean something else. */
const controls = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/**
 * Makes a principal and groups of a token's claims.
 * @throws SecretError `CREDENTIAL_INVALID`
 */
export function jwtPrincipal(
  claims: Claims,
  { principal, groupsClaim, groupsPrefix }: Pick<JwtIssuerConfig, "principal" | "groupsClaim" | "groupsPrefix">,
): JwtPrincipal {
  const name = principal.kind === "kubernetes" ? kubernetesName(claims) : filledIn(principal.parts, claims);
  if (name.length > maxNameLength) throw noPrincipal();
  const given = groupsClaim === undefined ? undefined : claimAt(claims, groupsClaim);
  return { principal: name, groups: given === undefined ? [] : groupsOf(given, groupsPrefix) };
}

function kubernetesName(claims: Claims): string {
  const subject = claims["sub"];
  const [, namespace, name] = (typeof subject === "string" ? serviceAccount.exec(subject) : undefined) ?? [];
  if (namespace === undefined || name === undefined) throw invalidJwt("is not one of a Kubernetes service account");
  return `k8s:${namespace}/${name}`;
}

function filledIn(parts: readonly PrincipalPart[], claims: Claims): string {
  const texts = parts.map((part, index) => {
    if ("text" in part) return part.text;
    const value = claimAt(claims, part.claim);
    if (!isName(value)) throw noPrincipal();
    // What ends a value must not stand in it, so that no two tokens make one principal of different claims.
    const next = parts[index + 1];
    const isLast = !parts.slice(index + 1).some((later) => "claim" in later);
    if (!isLast && next !== undefined && "text" in next && value.includes(next.text.charAt(0))) throw noPrincipal();
    return value;
  });
  return texts.join("");
}

function groupsOf(given: unknown, prefix: string): readonly string[] {
  const groups: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (groups.length > maxGroups || !groups.every(isName)) throw invalidJwt("has groups that are none");
  return groups.map((group) => `${prefix}${group}`);
}

function isName(value: unknown): value is string {
  const isText = typeof value === "string" && value !== "" && value.length <= maxNameLength;
  return isText && value.isWellFormed() && !controls.test(value);
}

function noPrincipal(): ReturnType<typeof invalidJwt> {
  return invalidJwt("has claims that no principal can be made of");
}
