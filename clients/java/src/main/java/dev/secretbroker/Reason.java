package dev.secretbroker;

import io.grpc.Status;

/** Why a call failed. Decide by it: several reasons share a gRPC code, and messages may change. */
public enum Reason {
  SECRET_NOT_FOUND,
  VERSION_NOT_FOUND,
  FIELD_NOT_FOUND,
  KEY_NOT_HOSTED,
  SECRET_DELETED,
  POLICY_DENIED,
  ACCESS_MODE_DENIED,
  CREDENTIAL_MISSING,
  CREDENTIAL_INVALID,
  CREDENTIAL_EXPIRED,
  VERSION_MISMATCH,
  SECRET_EXISTS,
  IDEMPOTENCY_CONFLICT,
  CAPABILITY_UNSUPPORTED,
  FIELD_INVALID,
  PAYLOAD_CORRUPT,
  RATE_LIMITED,
  MANAGER_QUOTA,
  MANAGER_UNAVAILABLE,
  BREAKER_OPEN,
  STALE_TOO_OLD,
  AUDIT_UNAVAILABLE,
  IDENTITY_UNAVAILABLE,
  MANAGER_TIMEOUT,
  REVISION_COMPACTED,
  MANAGER_REPLY_INVALID,
  CALL_CANCELLED,
  CONFIG_INVALID,
  INTERNAL_ERROR,
  /** A reason of a newer broker's; {@link SecretBrokerException#reasonName()} has its name. */
  UNRECOGNIZED;

  /** Whether the failure passes by itself; docs/errors.md says so of each. */
  boolean passes() {
    return switch (this) {
      case RATE_LIMITED,
          MANAGER_QUOTA,
          MANAGER_UNAVAILABLE,
          BREAKER_OPEN,
          STALE_TOO_OLD,
          AUDIT_UNAVAILABLE,
          IDENTITY_UNAVAILABLE,
          MANAGER_TIMEOUT,
          CALL_CANCELLED -> true;
      default -> false;
    };
  }

  static Reason named(String name) {
    for (Reason reason : values()) {
      if (reason.name().equals(name)) {
        return reason;
      }
    }
    return UNRECOGNIZED;
  }

  /** The nearest reason of a status without details, which gRPC makes before or without the broker. */
  static Reason nearest(Status.Code code) {
    return switch (code) {
      case CANCELLED -> CALL_CANCELLED;
      case DEADLINE_EXCEEDED -> MANAGER_TIMEOUT;
      case UNAVAILABLE -> MANAGER_UNAVAILABLE;
      case UNIMPLEMENTED -> CAPABILITY_UNSUPPORTED;
      case RESOURCE_EXHAUSTED -> RATE_LIMITED;
      case UNAUTHENTICATED -> CREDENTIAL_INVALID;
      case PERMISSION_DENIED -> POLICY_DENIED;
      default -> INTERNAL_ERROR;
    };
  }
}
