import { isSecretError, SecretError } from "../domain/secret-error.js";

/**
 * A token of which nobody is known to have signed it. Whoever sends it learns nothing else, not even whether its issuer
 * is trusted here. @param rule for the log; continues "the bearer token", never anything of the token itself
 */
export function unprovenJwt(rule: string): SecretError {
  return new SecretError("CREDENTIAL_INVALID", unproven, { cause: new Error(`the bearer token ${rule}`) });
}

/** The same as of a static token that is not known. */
const unproven = "the bearer token is not valid";

/** Whether something was thrown by {@link unprovenJwt}. */
export function isUnproven(thrown: unknown): boolean {
  return isSecretError(thrown) && thrown.message === unproven;
}

/** A token that its issuer has signed and that is not good. @param rule continues "the bearer token" */
export function invalidJwt(rule: string): SecretError {
  return new SecretError("CREDENTIAL_INVALID", `the bearer token ${rule}`);
}

/** A token that its issuer has signed and that was good. @param rule continues "the bearer token" */
export function expiredJwt(rule: string): SecretError {
  return new SecretError("CREDENTIAL_EXPIRED", `the bearer token ${rule}`);
}

/** A token whose key is not among those of its issuer. */
export function unknownKey(): SecretError {
  return unprovenJwt("is signed with a key that its issuer does not publish");
}
