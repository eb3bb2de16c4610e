import { createLocalJWKSet, errors, jwtVerify, type JWTVerifyGetKey } from "jose";
import type { JwtIssuerConfig } from "../config/jwt-config.js";
import type { SecretError } from "../domain/secret-error.js";
import type { IssuerKeys } from "./jwks-keys.js";
import { expiredJwt, invalidJwt, unknownKey, unprovenJwt } from "./jwt-refusal.js";
import type { JwtHeader } from "./jwt-text.js";

// keys → how the library finds one of them, with what it has imported
const lookups = new WeakMap<IssuerKeys, JWTVerifyGetKey>();

/**
 * Checks a token's signature, and what it says once more.
 * @returns what the library has against the claims of a token that is signed, who knows less words for it than we have;
 *   undefined for nothing
 * @throws SecretError `CREDENTIAL_INVALID` when it is not signed by one of the keys
 */
export async function verifySignature(
  [token, header]: readonly [string, JwtHeader],
  keys: IssuerKeys,
  { issuer, audiences, clockToleranceMs }: JwtIssuerConfig,
): Promise<SecretError | undefined> {
  try {
    await jwtVerify(token, lookupOf(keys), {
      ...{ issuer, audience: [...audiences], algorithms: [header.alg] },
      clockTolerance: clockToleranceMs / 1_000,
      requiredClaims: ["exp"],
    });
    return undefined;
  } catch (thrown) {
    // Its messages may quote the token. These two are thrown for what is signed only.
    if (thrown instanceof errors.JWTExpired) return expiredJwt("has expired");
    if (thrown instanceof errors.JWTClaimValidationFailed) return invalidJwt("has claims that are not accepted");
    throw keyRefusal(thrown) ?? unprovenJwt("is not signed by its issuer");
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
  return unprovenJwt("must say which key it is signed with (kid)");
}
