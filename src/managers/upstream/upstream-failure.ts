import { isSecretError, SecretError, type SecretErrorReason } from "../../domain/secret-error.js";

/** What a broker says of the question itself; the caller is told the same. */
const answers: ReadonlySet<SecretErrorReason> = new Set<SecretErrorReason>([
  "SECRET_NOT_FOUND",
  "VERSION_NOT_FOUND",
  "SECRET_DELETED",
  "VERSION_MISMATCH",
  "SECRET_EXISTS",
  "IDEMPOTENCY_CONFLICT",
  "CAPABILITY_UNSUPPORTED",
  "FIELD_INVALID",
  "PAYLOAD_CORRUPT",
  "STALE_TOO_OLD",
  "REVISION_COMPACTED",
  "MANAGER_QUOTA",
  "MANAGER_TIMEOUT",
  "MANAGER_REPLY_INVALID",
]);

/** The central broker may be asked, and does not let this one have it. */
const denials: ReadonlySet<SecretErrorReason> = new Set<SecretErrorReason>([
  "POLICY_DENIED",
  "ACCESS_MODE_DENIED",
  "KEY_NOT_HOSTED",
]);

/** Whether a failure is this broker's own fault at the central one: who it says it is, or what it may do there. */
export function isRefusal({ reason }: SecretError): boolean {
  return denials.has(reason) || reason.startsWith("CREDENTIAL_");
}

/**
 * What a failed call to a central broker means for the callers of this one. A credential that is refused is this broker's
 * and not its caller's, so it is no answer but an outage; `upstream_reason` tells it from others.
 */
export function failureOf(thrown: unknown): SecretError {
  if (!isSecretError(thrown)) {
    return new SecretError("MANAGER_UNAVAILABLE", "the upstream broker could not be asked", { cause: thrown });
  }
  const { reason, retryAfterMs, metadata } = thrown;
  const after = retryAfterMs !== undefined && { retryAfterMs };
  const message = `the upstream broker answered ${reason}`;
  if (reason === "RATE_LIMITED") return new SecretError("MANAGER_QUOTA", message, { cause: thrown, ...after });
  if (answers.has(reason)) return new SecretError(reason, message, { cause: thrown, metadata, ...after });
  const facts = { cause: thrown, metadata: { upstream_reason: reason }, ...after };
  return new SecretError(denials.has(reason) ? reason : "MANAGER_UNAVAILABLE", message, facts);
}

/** Whether a failure says that what was asked for is not there. */
export function isAbsence(thrown: unknown): boolean {
  return isSecretError(thrown) && (thrown.reason === "SECRET_NOT_FOUND" || thrown.reason === "VERSION_NOT_FOUND");
}
