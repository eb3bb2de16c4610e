import { SecretError } from "../domain/secret-error.js";

/** A token that is not good. @param rule continues "the bearer token"; never anything of the token itself */
export function invalidJwt(rule: string): SecretError {
  return new SecretError("CREDENTIAL_INVALID", `the bearer token ${rule}`);
}

/** A token that was good. @param rule continues "the bearer token" */
export function expiredJwt(rule: string): SecretError {
  return new SecretError("CREDENTIAL_EXPIRED", `the bearer token ${rule}`);
}

/** A token whose key is not among those of its issuer. */
export function unknownKey(): SecretError {
  return invalidJwt("is signed with a key that its issuer does not publish");
}
