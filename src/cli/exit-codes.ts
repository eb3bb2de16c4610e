import { constants } from "node:os";
import type { SecretErrorReason } from "../domain/secret-error.js";

/** What the exit codes mean; scripts rely on them. */
export const exitCodes = {
  done: 0,
  /** An unexpected failure, or a configuration with problems. */
  failed: 1,
  /** The command line itself is wrong. */
  usage: 2,
  absent: 3,
  denied: 4,
  /** Unreachable, unavailable or too slow: trying again may help. */
  unavailable: 5,
  conflict: 6,
  unsupported: 7,
  /** The broker refused a value. */
  invalid: 8,
  interrupted: 130,
} as const;

/** Why a command failed → its exit code. */
export const exitCodeByReason: Readonly<Record<SecretErrorReason, number>> = {
  SECRET_NOT_FOUND: exitCodes.absent,
  VERSION_NOT_FOUND: exitCodes.absent,
  FIELD_NOT_FOUND: exitCodes.absent,
  KEY_NOT_HOSTED: exitCodes.absent,
  SECRET_DELETED: exitCodes.absent,
  POLICY_DENIED: exitCodes.denied,
  ACCESS_MODE_DENIED: exitCodes.denied,
  CREDENTIAL_MISSING: exitCodes.denied,
  CREDENTIAL_INVALID: exitCodes.denied,
  CREDENTIAL_EXPIRED: exitCodes.denied,
  VERSION_MISMATCH: exitCodes.conflict,
  SECRET_EXISTS: exitCodes.conflict,
  IDEMPOTENCY_CONFLICT: exitCodes.conflict,
  CAPABILITY_UNSUPPORTED: exitCodes.unsupported,
  FIELD_INVALID: exitCodes.invalid,
  PAYLOAD_CORRUPT: exitCodes.failed,
  RATE_LIMITED: exitCodes.unavailable,
  MANAGER_QUOTA: exitCodes.unavailable,
  MANAGER_UNAVAILABLE: exitCodes.unavailable,
  BREAKER_OPEN: exitCodes.unavailable,
  STALE_TOO_OLD: exitCodes.unavailable,
  AUDIT_UNAVAILABLE: exitCodes.unavailable,
  IDENTITY_UNAVAILABLE: exitCodes.unavailable,
  MANAGER_TIMEOUT: exitCodes.unavailable,
  REVISION_COMPACTED: exitCodes.failed,
  MANAGER_REPLY_INVALID: exitCodes.failed,
  CALL_CANCELLED: exitCodes.failed,
  CONFIG_INVALID: exitCodes.failed,
  INTERNAL_ERROR: exitCodes.failed,
};

/** What a command line that was ended by a signal exits with, as a shell would. */
export function signalExitCode(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
