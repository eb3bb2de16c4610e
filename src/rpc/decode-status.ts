import { type Metadata, status } from "@grpc/grpc-js";
import { SecretError, type SecretErrorReason, secretErrorReasons } from "../domain/secret-error.js";
import { BadRequest, ErrorInfo, RetryInfo } from "../gen/google/rpc/error_details.js";
import { Status } from "../gen/google/rpc/status.js";
import { errorDomain, statusDetailsKey } from "./encode-status.js";
import { msFromDuration } from "./time.js";

/** A failed call as a gRPC client sees it. */
export interface FailedCall {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

/** The failure a broker answered with; a status without our details, such as a connection's, gets the nearest reason. */
export function fromFailedCall(failed: FailedCall): SecretError {
  const [encoded] = failed.metadata.get(statusDetailsKey);
  const decoded = Buffer.isBuffer(encoded) ? decodeQuietly(Status, encoded) : undefined;
  return decoded === undefined ? fromBareCode(failed) : fromStatus(decoded, failed);
}

/** The failure inside a batch's result. */
export function fromStatusMessage(message: Status): SecretError {
  return fromStatus(message, { code: message.code, details: message.message });
}

function fromStatus(message: Status, failed: Pick<FailedCall, "code" | "details">): SecretError {
  const info = findDetail(message, "ErrorInfo", ErrorInfo);
  if (info?.domain !== errorDomain || !isReason(info.reason)) return fromBareCode(failed);
  const retry = findDetail(message, "RetryInfo", RetryInfo)?.retryDelay;
  return new SecretError(info.reason, failed.details, {
    metadata: Object.fromEntries(info.metadata),
    violations: findDetail(message, "BadRequest", BadRequest)?.fieldViolations ?? [],
    ...(retry && { retryAfterMs: msFromDuration(retry) }),
  });
}

const reasonByBareCode: Partial<Record<number, SecretErrorReason>> = {
  [status.CANCELLED]: "CALL_CANCELLED",
  [status.DEADLINE_EXCEEDED]: "MANAGER_TIMEOUT",
  [status.UNAVAILABLE]: "MANAGER_UNAVAILABLE",
  [status.UNIMPLEMENTED]: "CAPABILITY_UNSUPPORTED",
  [status.RESOURCE_EXHAUSTED]: "RATE_LIMITED",
  [status.UNAUTHENTICATED]: "CREDENTIAL_INVALID",
  [status.PERMISSION_DENIED]: "POLICY_DENIED",
};

function fromBareCode(failed: Pick<FailedCall, "code" | "details">): SecretError {
  return new SecretError(reasonByBareCode[failed.code] ?? "INTERNAL_ERROR", failed.details);
}

interface Decoder<T> {
  decode(bytes: Uint8Array): T;
}

function findDetail<T>(message: Status, name: string, decoder: Decoder<T>): T | undefined {
  const any = message.details.find(({ typeUrl }) => typeUrl.endsWith(`/google.rpc.${name}`));
  return any && decodeQuietly(decoder, any.value);
}

/** Bytes of a peer's that are no such message count as not there. */
function decodeQuietly<T>(decoder: Decoder<T>, bytes: Uint8Array): T | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function isReason(text: string): text is SecretErrorReason {
  return (secretErrorReasons as readonly string[]).includes(text);
}
