import { isSecretError, type SecretErrorReason } from "../../domain/secret-error.js";

/** The manager could not be asked, so nothing is known; anything else it says is an answer. */
const outages: ReadonlySet<SecretErrorReason> = new Set<SecretErrorReason>([
  "MANAGER_UNAVAILABLE",
  "MANAGER_TIMEOUT",
  "MANAGER_QUOTA",
  "BREAKER_OPEN",
  "STALE_TOO_OLD",
]);

/** Answers that say that what is kept is not so any more. */
const refutations: ReadonlySet<SecretErrorReason> = new Set<SecretErrorReason>([
  "SECRET_NOT_FOUND",
  "SECRET_DELETED",
  "VERSION_NOT_FOUND",
  "PAYLOAD_CORRUPT",
  // Of another broker, which does not let this one have it any more.
  "POLICY_DENIED",
  "ACCESS_MODE_DENIED",
  "KEY_NOT_HOSTED",
]);

/** Whether a failure leaves what is kept as likely as it was. */
export function isOutage(error: unknown): boolean {
  return isSecretError(error) && outages.has(error.reason);
}

/** Whether a failure ends what is kept. */
export function isRefutation(error: unknown): boolean {
  return isSecretError(error) && refutations.has(error.reason);
}
