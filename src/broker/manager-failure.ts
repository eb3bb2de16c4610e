import { isSecretError, SecretError, type SecretErrorReason, secretErrorReasons } from "../domain/secret-error.js";

/** What a manager was asked when it failed. */
export interface ManagerQuestion {
  readonly manager: string;
  readonly operation: string;
  /** Undefined for a question about no one name. */
  readonly name?: string | undefined;
}

type Translation = (question: ManagerQuestion, thrown: SecretError) => SecretError;

/**
 * The reasons a manager may give, and what the caller is told for each. The texts are the broker's: a manager's own
 * could quote a value. Any other reason, and anything that is no `SecretError`, is `MANAGER_UNAVAILABLE`.
 */
const translations: Partial<Record<SecretErrorReason, Translation>> = {
  SECRET_NOT_FOUND: ({ name = "" }) => SecretError.notFound(name),
  VERSION_NOT_FOUND: ofSecret("VERSION_NOT_FOUND", "has no such version"),
  SECRET_DELETED: ofSecret("SECRET_DELETED", "is deleted"),
  VERSION_MISMATCH: ofSecret("VERSION_MISMATCH", "has another active version than expected"),
  SECRET_EXISTS: ofSecret("SECRET_EXISTS", "already exists"),
  IDEMPOTENCY_CONFLICT: ofSecret("IDEMPOTENCY_CONFLICT", "was written with this request id and other content"),
  FIELD_INVALID: ({ manager, operation }) =>
    SecretError.fieldInvalid([{ field: operation, description: `is refused by the manager ${manager}` }]),
  PAYLOAD_CORRUPT: ofSecret("PAYLOAD_CORRUPT", "is stored with bytes that do not verify"),
  CAPABILITY_UNSUPPORTED: ({ manager, operation }) =>
    new SecretError("CAPABILITY_UNSUPPORTED", `${manager} does not support this ${operation}`, {
      metadata: { capability: operation, manager },
    }),
  MANAGER_QUOTA: ofManager("MANAGER_QUOTA", "has reached a limit"),
  RATE_LIMITED: ofManager("MANAGER_QUOTA", "has reached a limit"),
  MANAGER_TIMEOUT: ofManager("MANAGER_TIMEOUT", "did not answer before the deadline"),
  MANAGER_REPLY_INVALID: ofManager("MANAGER_REPLY_INVALID", "gave an invalid reply"),
  STALE_TOO_OLD: ofManager("STALE_TOO_OLD", "has no answer that is new enough"),
  POLICY_DENIED: ofUpstream("POLICY_DENIED", "is itself not allowed to do this where it asks"),
  ACCESS_MODE_DENIED: ofUpstream("ACCESS_MODE_DENIED", "is itself not allowed to do this where it asks"),
  KEY_NOT_HOSTED: ofUpstream("KEY_NOT_HOSTED", "asks where this name is not hosted"),
  REVISION_COMPACTED: ofManager("REVISION_COMPACTED", "no longer has that revision"),
};

const unknownFailure = ofManager("MANAGER_UNAVAILABLE", "could not answer");

/**
 * What the caller is told of something a manager threw. The original is the cause, for the log.
 *
 * Never throws, though looking at what was thrown may.
 */
export function translateManagerFailure(thrown: unknown, question: ManagerQuestion): SecretError {
  try {
    if (isSecretError(thrown)) return (translations[thrown.reason] ?? unknownFailure)(question, thrown);
  } catch {
    // A getter or a proxy that throws, or an error of another copy that lacks members: nothing to go by.
  }
  return unknownFailure(question, new SecretError("INTERNAL_ERROR", "", { cause: thrown }));
}

function ofSecret(reason: SecretErrorReason, predicate: string): Translation {
  return ({ name = "" }, thrown) =>
    new SecretError(reason, `secret "${name}" ${predicate}`, {
      cause: thrown,
      metadata: { name, ...factsOf(thrown) },
    });
}

function ofManager(reason: SecretErrorReason, predicate: string): Translation {
  return ({ manager, operation }, thrown) =>
    new SecretError(reason, `the manager ${manager} ${predicate}`, {
      cause: thrown,
      metadata: { manager, operation, ...upstreamReasonOf(thrown) },
      ...(isWait(thrown.retryAfterMs) && { retryAfterMs: thrown.retryAfterMs }),
    });
}

/** To deny is for brokers: a manager that denies must be one that was itself denied by another broker, and say so. */
function ofUpstream(reason: SecretErrorReason, predicate: string): Translation {
  const translate = ofManager(reason, predicate);
  return (question, thrown) =>
    (upstreamReasonOf(thrown)["upstream_reason"] === reason ? translate : unknownFailure)(question, thrown);
}

/** Another broker that could not answer says why; a word of the closed list only. */
function upstreamReasonOf({ metadata }: SecretError): Record<string, string> {
  const reason: unknown = metadata["upstream_reason"];
  const isKnown = (secretErrorReasons as readonly unknown[]).includes(reason);
  return isKnown ? { upstream_reason: reason as SecretErrorReason } : {};
}

function isWait(retryAfterMs: unknown): retryAfterMs is number {
  return typeof retryAfterMs === "number" && retryAfterMs >= 0 && retryAfterMs <= 86_400_000;
}

/** The facts a manager may add: numbers and times only, so that no value can ride along. */
const safeFact = /^[0-9TZ:.+-]{1,40}$/;

function factsOf(thrown: SecretError): Record<string, string> {
  const facts: Record<string, string> = {};
  for (const key of ["current_version", "version", "restorable_until"]) {
    const value: unknown = thrown.metadata[key];
    if (typeof value === "string" && safeFact.test(value)) facts[key] = value;
  }
  return facts;
}
