import { status } from "@grpc/grpc-js";
import { SecretError, type SecretErrorReason } from "../../domain/secret-error.js";
import { type FailedCall, fromFailedCall } from "../../rpc/decode-status.js";
import { statusByReason } from "../../rpc/status-by-reason.js";

/** What a status means that says no more, where it is an answer to the RPC. */
const reasonByAnswer: Partial<Record<number, SecretErrorReason>> = {
  [status.NOT_FOUND]: "SECRET_NOT_FOUND",
  [status.ABORTED]: "VERSION_MISMATCH",
  [status.ALREADY_EXISTS]: "SECRET_EXISTS",
  [status.OUT_OF_RANGE]: "REVISION_COMPACTED",
};

/** What any RPC may end with; every other status is a manager that could not answer. */
const reasonByFailure: Partial<Record<number, SecretErrorReason>> = {
  [status.UNIMPLEMENTED]: "CAPABILITY_UNSUPPORTED",
  [status.DEADLINE_EXCEEDED]: "MANAGER_TIMEOUT",
  [status.RESOURCE_EXHAUSTED]: "MANAGER_QUOTA",
  [status.DATA_LOSS]: "PAYLOAD_CORRUPT",
};

/** The reasons that a status without an answer of its own may be told more exactly by. */
const detailedFailures: ReadonlySet<SecretErrorReason> = new Set<SecretErrorReason>([
  "CAPABILITY_UNSUPPORTED",
  "MANAGER_TIMEOUT",
  "MANAGER_QUOTA",
  "RATE_LIMITED",
  "PAYLOAD_CORRUPT",
  "FIELD_INVALID",
]);

/** The reasons that an answer may be told more exactly by. */
const detailedAnswers: ReadonlySet<SecretErrorReason> = new Set<SecretErrorReason>([
  "SECRET_NOT_FOUND",
  "VERSION_NOT_FOUND",
  "SECRET_DELETED",
  "VERSION_MISMATCH",
  "SECRET_EXISTS",
  "IDEMPOTENCY_CONFLICT",
  "REVISION_COMPACTED",
]);

/** How grpc-js begins to tell that an answer was larger than it may be. */
const oversizeDetails = /^Received message (?:larger than max|that decompresses to a size larger than)/;

/**
 * What a failed call to a manager means: by its status, or more exactly by an `ErrorInfo` of ours that agrees with it.
 * The texts are ours; the manager's own are in the cause, for the log.
 * @param answers the statuses that are answers to the RPC
 */
export function failureOfCall(failed: FailedCall, answers: readonly status[]): SecretError {
  const { code } = failed;
  if (code === (status.RESOURCE_EXHAUSTED as number) && oversizeDetails.test(failed.details)) {
    return invalidReply("an answer that is larger than it may be", failed);
  }
  const isAnswer = (answers as readonly number[]).includes(code);
  const detailed = fromFailedCall(failed);
  const agreed = (statusByReason[detailed.reason].code as number) === code;
  if (agreed && (isAnswer ? detailedAnswers : detailedFailures).has(detailed.reason)) {
    const { retryAfterMs, metadata } = detailed;
    return failure(detailed.reason, failed, { metadata, ...(retryAfterMs !== undefined && { retryAfterMs }) });
  }
  return failure((isAnswer ? reasonByAnswer : reasonByFailure)[code] ?? "MANAGER_UNAVAILABLE", failed);
}

/** An answer that the contract does not allow. @param what never a part of the answer */
export function invalidReply(what: string, cause?: unknown): SecretError {
  return new SecretError("MANAGER_REPLY_INVALID", `the manager answered with ${what}`, { cause });
}

/** No manager is there to be asked. */
export function unavailable(why: string, cause?: unknown): SecretError {
  return new SecretError("MANAGER_UNAVAILABLE", `the manager ${why}`, { cause });
}

function failure(
  reason: SecretErrorReason,
  cause: unknown,
  options: { readonly metadata?: Readonly<Record<string, string>>; readonly retryAfterMs?: number } = {},
): SecretError {
  return new SecretError(reason, `the manager answered ${reason}`, { cause, ...options });
}
