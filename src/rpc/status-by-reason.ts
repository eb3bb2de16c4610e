import { status } from "@grpc/grpc-js";
import type { SecretErrorReason } from "../domain/secret-error.js";

/** Whether a caller may repeat a failed call. */
export type Retry = "no" | "yes" | "if idempotent" | "after the delay" | "after re-auth" | "re-read" | "re-sync";

/** What a reason looks like on the wire. */
export interface StatusRow {
  readonly code: status;
  readonly retry: Retry;
}

/** The only table between reasons and gRPC's status codes; the client reads it too. */
export const statusByReason: Readonly<Record<SecretErrorReason, StatusRow>> = {
  SECRET_NOT_FOUND: { code: status.NOT_FOUND, retry: "no" },
  VERSION_NOT_FOUND: { code: status.NOT_FOUND, retry: "no" },
  FIELD_NOT_FOUND: { code: status.NOT_FOUND, retry: "no" },
  KEY_NOT_HOSTED: { code: status.NOT_FOUND, retry: "no" },
  SECRET_DELETED: { code: status.NOT_FOUND, retry: "no" },
  POLICY_DENIED: { code: status.PERMISSION_DENIED, retry: "no" },
  ACCESS_MODE_DENIED: { code: status.PERMISSION_DENIED, retry: "no" },
  CREDENTIAL_MISSING: { code: status.UNAUTHENTICATED, retry: "after re-auth" },
  CREDENTIAL_INVALID: { code: status.UNAUTHENTICATED, retry: "after re-auth" },
  CREDENTIAL_EXPIRED: { code: status.UNAUTHENTICATED, retry: "after re-auth" },
  VERSION_MISMATCH: { code: status.ABORTED, retry: "re-read" },
  SECRET_EXISTS: { code: status.ALREADY_EXISTS, retry: "no" },
  IDEMPOTENCY_CONFLICT: { code: status.ALREADY_EXISTS, retry: "no" },
  CAPABILITY_UNSUPPORTED: { code: status.UNIMPLEMENTED, retry: "no" },
  FIELD_INVALID: { code: status.INVALID_ARGUMENT, retry: "no" },
  PAYLOAD_CORRUPT: { code: status.DATA_LOSS, retry: "no" },
  RATE_LIMITED: { code: status.RESOURCE_EXHAUSTED, retry: "after the delay" },
  MANAGER_QUOTA: { code: status.RESOURCE_EXHAUSTED, retry: "after the delay" },
  MANAGER_UNAVAILABLE: { code: status.UNAVAILABLE, retry: "yes" },
  BREAKER_OPEN: { code: status.UNAVAILABLE, retry: "yes" },
  STALE_TOO_OLD: { code: status.UNAVAILABLE, retry: "yes" },
  AUDIT_UNAVAILABLE: { code: status.UNAVAILABLE, retry: "yes" },
  IDENTITY_UNAVAILABLE: { code: status.UNAVAILABLE, retry: "yes" },
  MANAGER_TIMEOUT: { code: status.DEADLINE_EXCEEDED, retry: "if idempotent" },
  REVISION_COMPACTED: { code: status.OUT_OF_RANGE, retry: "re-sync" },
  MANAGER_REPLY_INVALID: { code: status.INTERNAL, retry: "no" },
  CALL_CANCELLED: { code: status.CANCELLED, retry: "if idempotent" },
  CONFIG_INVALID: { code: status.FAILED_PRECONDITION, retry: "no" },
  INTERNAL_ERROR: { code: status.INTERNAL, retry: "no" },
};
