import type { BrokerCapability, Capability } from "./capability.js";

/** Every reason a call can fail for; docs/errors.md explains each. */
export const secretErrorReasons = [
  "SECRET_NOT_FOUND",
  "VERSION_NOT_FOUND",
  "FIELD_NOT_FOUND",
  "KEY_NOT_HOSTED",
  "SECRET_DELETED",
  "POLICY_DENIED",
  "ACCESS_MODE_DENIED",
  "CREDENTIAL_MISSING",
  "CREDENTIAL_INVALID",
  "CREDENTIAL_EXPIRED",
  "VERSION_MISMATCH",
  "SECRET_EXISTS",
  "IDEMPOTENCY_CONFLICT",
  "CAPABILITY_UNSUPPORTED",
  "FIELD_INVALID",
  "PAYLOAD_CORRUPT",
  "RATE_LIMITED",
  "MANAGER_QUOTA",
  "MANAGER_UNAVAILABLE",
  "BREAKER_OPEN",
  "STALE_TOO_OLD",
  "AUDIT_UNAVAILABLE",
  "IDENTITY_UNAVAILABLE",
  "MANAGER_TIMEOUT",
  "REVISION_COMPACTED",
  "MANAGER_REPLY_INVALID",
  "CALL_CANCELLED",
  "CONFIG_INVALID",
  "INTERNAL_ERROR",
] as const;

/** One of {@link secretErrorReasons}. */
export type SecretErrorReason = (typeof secretErrorReasons)[number];

/** One field of a request that breaks a rule. */
export interface FieldViolation {
  /** The path of the field in the request, in the proto's spelling: `reads[3].name`. */
  readonly field: string;
  /** The rule, as a predicate: `must not be empty`. Never the value. */
  readonly description: string;
}

/** What goes with a {@link SecretError} besides its message. */
export interface SecretErrorOptions {
  /** The original failure, for the log only; it may quote anything. */
  readonly cause?: unknown;
  /** Facts for programs. Never a payload, never a manager's text. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The broken fields, all of them; with `FIELD_INVALID` only. */
  readonly violations?: readonly FieldViolation[];
  /** How long to wait before trying again, in milliseconds. */
  readonly retryAfterMs?: number;
}

const brand: unique symbol = Symbol.for("secretbroker.dev/SecretError");

/**
 * The one error type: a closed reason, a message that is safe for the caller, and a cause for the log.
 *
 * Branded rather than checked by `instanceof`, as a user's class may load a second copy of the package:
 * use {@link isSecretError}. What a manager throws keeps its reason on the way to the caller, never its message.
 */
export class SecretError extends Error {
  override readonly name = "SecretError";
  readonly reason: SecretErrorReason;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;

  /** @param message lower case, no final period, no payload, names quoted. */
  constructor(reason: SecretErrorReason, message: string, options: SecretErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.metadata = options.metadata ?? {};
    this.violations = options.violations ?? [];
    this.retryAfterMs = options.retryAfterMs;
    Object.defineProperty(this, brand, { value: true });
  }

  /** There is no such secret; only where the caller was allowed to know. */
  static notFound(name: string): SecretError {
    return new SecretError("SECRET_NOT_FOUND", `secret "${name}" does not exist`, { metadata: { name } });
  }

  /** There is no such version of the secret. */
  static versionNotFound(name: string, version: number): SecretError {
    return new SecretError("VERSION_NOT_FOUND", `secret "${name}" has no version ${String(version)}`, {
      metadata: { name, version: String(version) },
    });
  }

  /** The manager, or the broker as it is configured, cannot do it. */
  static unsupported(capability: Capability | BrokerCapability, manager: string, advice = ""): SecretError {
    const message = `${manager} does not support ${capability}${advice && `: ${advice}`}`;
    return new SecretError("CAPABILITY_UNSUPPORTED", message, { metadata: { capability, manager } });
  }

  /** Some fields of the request break a rule. */
  static fieldInvalid(violations: readonly FieldViolation[]): SecretError {
    const message = violations.map(({ field, description }) => `${field} ${description}`).join("; ");
    return new SecretError("FIELD_INVALID", message, { violations });
  }
}

/** Whether something thrown is a {@link SecretError}, of this copy of the package or another. */
export function isSecretError(thrown: unknown): thrown is SecretError {
  return (
    thrown instanceof Error &&
    brand in thrown &&
    "reason" in thrown &&
    (secretErrorReasons as readonly unknown[]).includes(thrown.reason)
  );
}
