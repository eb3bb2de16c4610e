import { createLocalJWKSet, errors, jwtVerify, type JWTVerifyGetKey } from "jose";
import type { JwtIssuerConfig } from "../config/jwt-config.js";
import { SecretError } from "../domain/secret-error.js";
import type { IssuerKeys } from "./jwks-keys.js";
import { expiredJwt, invalidJwt, unknownKey } from "./jwt-refusal.js";
import type { JwtHeader } from "./jwt-text.js";

// keys → how the library finds one of them, with what it has imported
const lookups = new WeakMap<IssuerKeys, JWTVerifyGetKey>();

/**
 * Checks a token's signature, and all of the token once more: the library has the last word.
 * @throws SecretError `CREDENTIAL_INVALID`, `CREDENTIAL_EXPIRED`
 */
export async function verifySignature(
  [token, header]: readonly [string, JwtHeader],
  keys: IssuerKeys,
  { issuer, audiences, clockToleranceMs }: JwtIssuerConfig,
): Promise<void> {
  try {
    await jwtVerify(token, lookupOf(keys), {
      ...{ issuer, audience: [...audiences], algorithms: [header.alg] },
      clockTolerance: clockToleranceMs / 1_000,
      requiredClaims: ["exp"],
    });
  } catch (thrown) {
    // Its messages may quote the token.
    if (thrown instanceof errors.JWTExpired) throw expiredJwt("has expired");
    throw keyRefusal(thrown) ?? invalidJwt("is not signed by its issuer");
  }
}

function lookupOf(keys: IssuerKeys): JWTVerifyGetKey {
  const known = lookups.get(keys);
  if (known !== undefined) return known;
  const lookup = createLocalJWKSet({ keys: [...keys.all] });
  lookups.set(keys, lookup);
  return lookup;
}

/** What is thrown where no key, or more than one, goes with a token; undefined for another failure. */
function keyRefusal(thrown: unknown): SecretError | undefined {
  if (thrown instanceof errors.JWKSNoMatchingKey) return unknownKey();
  if (!(thrown instanceof errors.JWKSMultipleMatchingKeys)) return undefined;
  return new SecretError("CREDENTIAL_INVALID", "the bearer token must say which key it is signed with (kid)");
}
