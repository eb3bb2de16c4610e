import { type Metadata, type ServerUnaryCall, type ServerWritableStream, status } from "@grpc/grpc-js";
import type { ManagerCall } from "../contract/manager-call.js";
import { isSecretError, SecretError, type SecretErrorReason } from "../domain/secret-error.js";
import type { CallContext } from "../gen/secretbroker/manager/v1/secret_manager.js";
import { toWireError, type WireError } from "../rpc/encode-status.js";

/** A call as grpc-js gives it, whichever its kind. */
export type HostedWire = ServerUnaryCall<unknown, unknown> | ServerWritableStream<unknown, unknown>;

/** What a manager is told of a call. @param context what the broker says of it */
export function callOf(wire: HostedWire, context: CallContext | undefined): ManagerCall {
  const gone = new AbortController();
  const leave = (): void => {
    gone.abort(new SecretError("CALL_CANCELLED", "the broker does not wait any more"));
  };
  if (wire.cancelled) leave();
  else wire.once("cancelled", leave);
  return {
    options: context?.options ?? {},
    signal: gone.signal,
    deadline: deadlineOf(wire.getDeadline()),
    principal: context?.principal === "" ? undefined : context?.principal,
    requestId: context?.requestId ?? "",
    traceparent: traceparentOf(wire.metadata),
  };
}

/** The reasons the contract has for a manager; whatever else it throws is a failure without a name. */
const knownReasons: ReadonlySet<SecretErrorReason> = new Set<SecretErrorReason>([
  "SECRET_NOT_FOUND",
  "VERSION_NOT_FOUND",
  "SECRET_DELETED",
  "VERSION_MISMATCH",
  "SECRET_EXISTS",
  "IDEMPOTENCY_CONFLICT",
  "CAPABILITY_UNSUPPORTED",
  "PAYLOAD_CORRUPT",
  "FIELD_INVALID",
  "MANAGER_QUOTA",
  "RATE_LIMITED",
  "MANAGER_TIMEOUT",
  "REVISION_COMPACTED",
]);

/** What the broker is told of something a manager threw: the reason, and no text of the manager's. */
export function failureFor(thrown: unknown): SecretError {
  if (!isSecretError(thrown) || !knownReasons.has(thrown.reason)) {
    return new SecretError("MANAGER_UNAVAILABLE", "the manager could not answer", { cause: thrown });
  }
  const { reason, metadata, retryAfterMs } = thrown;
  const facts = Object.entries(metadata).filter(([, value]) => /^[0-9TZ:.+-]{1,40}$/u.test(value));
  return new SecretError(reason, `the manager answered ${reason}`, {
    metadata: Object.fromEntries(facts),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** The same as grpc-js sends it. */
export function wireFailure(thrown: unknown): WireError {
  const failure = failureFor(thrown);
  const { code, details, metadata } = toWireError(failure, "");
  // A bare status is enough for what has no name.
  return failure.reason === "MANAGER_UNAVAILABLE"
    ? { code: status.INTERNAL, details, metadata }
    : { code, details, metadata };
}

function deadlineOf(deadline: Date | number): Date {
  return typeof deadline === "number" ? new Date(deadline) : deadline;
}

function traceparentOf(metadata: Metadata): string | undefined {
  const [value] = metadata.get("traceparent");
  return typeof value === "string" ? value : undefined;
}
