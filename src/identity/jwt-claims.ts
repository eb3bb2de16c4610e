import type { ClaimPath, JwtIssuerConfig, RequiredClaim } from "../config/jwt-config.js";
import { expiredJwt, invalidJwt } from "./jwt-refusal.js";
import { type Claims, isClaims } from "./jwt-text.js";

/** What an issuer's tokens must say. */
export type ClaimRules = Pick<
  JwtIssuerConfig,
  "audiences" | "clockToleranceMs" | "maxLifetimeMs" | "maxAgeMs" | "requiredClaims"
>;

/** Far enough for every token, and near enough for exact arithmetic. */
const maxSeconds = 1e12;

/** The value of a claim; undefined where there is none. */
export function claimAt(claims: Claims, path: ClaimPath): unknown {
  let value: unknown = claims;
  for (const name of path) value = memberOf(value, name);
  return value;
}

/**
 * Checks when, for whom and with what else a token is good.
 * @param nowMs milliseconds since the epoch
 * @returns when it ends, with the tolerance, in milliseconds since the epoch
 * @throws SecretError `CREDENTIAL_INVALID`, `CREDENTIAL_EXPIRED`
 */
export function checkClaims(claims: Claims, rules: ClaimRules, nowMs: number): number {
  const endMs = checkTimes(claims, rules, nowMs);
  if (!isFor(claims["aud"], rules.audiences)) throw invalidJwt("is for another audience than this broker");
  if (!rules.requiredClaims.every((required) => isMet(claims, required))) {
    throw invalidJwt("lacks a claim that is required, or has another value there");
  }
  return endMs;
}

function checkTimes(claims: Claims, rules: ClaimRules, nowMs: number): number {
  const [expiryMs, startMs, issueMs] = [timeOf(claims, "exp"), timeOf(claims, "nbf"), timeOf(claims, "iat")];
  if (expiryMs === undefined) throw invalidJwt("must say when it expires (exp)");
  if (expiryMs + rules.clockToleranceMs <= nowMs) throw expiredJwt("has expired");
  const firstMs = Math.max(startMs ?? 0, issueMs ?? 0);
  if (firstMs - rules.clockToleranceMs > nowMs) throw invalidJwt("is not valid yet");
  if (expiryMs - (issueMs ?? nowMs) > rules.maxLifetimeMs) throw invalidJwt("is valid for longer than is accepted");
  const endMs = Math.min(expiryMs, oldestMs(issueMs, rules)) + rules.clockToleranceMs;
  if (endMs <= nowMs) throw expiredJwt("was issued too long ago");
  return endMs;
}

/** When a token is too old, whatever it says of its expiry. */
function oldestMs(issueMs: number | undefined, { maxAgeMs, maxLifetimeMs }: ClaimRules): number {
  if (issueMs !== undefined) return issueMs + maxAgeMs;
  if (maxAgeMs < maxLifetimeMs) throw invalidJwt("must say when it was issued (iat)");
  return Infinity;
}

/** A time in milliseconds since the epoch; undefined where the token has none. */
function timeOf(claims: Claims, name: "exp" | "nbf" | "iat"): number | undefined {
  const seconds = memberOf(claims, name);
  if (seconds === undefined) return undefined;
  if (typeof seconds === "number" && seconds >= 0 && seconds <= maxSeconds) return seconds * 1_000;
  throw invalidJwt(`has a time that is none (${name})`);
}

function isFor(audience: unknown, accepted: readonly string[]): boolean {
  const audiences: readonly unknown[] = Array.isArray(audience) ? audience : [audience];
  return audiences.some((each) => typeof each === "string" && accepted.includes(each));
}

function isMet(claims: Claims, { path, values }: RequiredClaim): boolean {
  const value = claimAt(claims, path);
  const found: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.some((accepted) => found.includes(accepted));
}

function memberOf(value: unknown, name: string): unknown {
  return isClaims(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
