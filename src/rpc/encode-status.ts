import { Metadata, type status } from "@grpc/grpc-js";
import { isSecretError, SecretError, type SecretErrorReason } from "../domain/secret-error.js";
import type { Any } from "../gen/google/protobuf/any.js";
import {
  BadRequest,
  ErrorInfo,
  PreconditionFailure,
  ResourceInfo,
  RetryInfo,
} from "../gen/google/rpc/error_details.js";
import { Status } from "../gen/google/rpc/status.js";
import { statusByReason } from "./status-by-reason.js";
import { durationFromMs } from "./time.js";

/** Who defines our reasons, in every `ErrorInfo`. */
export const errorDomain = "secretbroker.dev";

/** The trailer gRPC carries a `google.rpc.Status` in. */
export const statusDetailsKey = "grpc-status-details-bin";

/** How long to wait after a failure that passes by itself, unless the failure says. */
const defaultRetryAfterMs = 1_000;

/** A failed call as grpc-js sends it. */
export interface WireError {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** What a thrown thing is to the caller; a foreign one is a bare `INTERNAL_ERROR`, as its text could quote a secret. */
export function toSecretError(thrown: unknown): SecretError {
  return isSecretError(thrown) ? thrown : new SecretError("INTERNAL_ERROR", "internal error", { cause: thrown });
}

/**
 * The `google.rpc.Status` of a failure: one `ErrorInfo`, and the typed detail of its reason beside it.
 * @param requestId names the call in the broker's log
 */
export function encodeStatus(error: SecretError, requestId: string): Status {
  const metadata = new Map(Object.entries(error.metadata)).set("request_id", requestId);
  const info = detail("ErrorInfo", ErrorInfo.encode({ reason: error.reason, domain: errorDomain, metadata }).finish());
  return {
    code: statusByReason[error.reason].code,
    message: error.message,
    details: [info, ...typedDetails(error)],
  };
}

/** The same, as grpc-js sends a failed call. */
export function toWireError(error: SecretError, requestId: string): WireError {
  const metadata = new Metadata();
  metadata.set(statusDetailsKey, Buffer.from(Status.encode(encodeStatus(error, requestId)).finish()));
  return { code: statusByReason[error.reason].code, details: error.message, metadata };
}

function typedDetails(error: SecretError): Any[] {
  if (error.violations.length > 0) {
    const violations = error.violations.map((violation) => ({ ...violation }));
    return [detail("BadRequest", BadRequest.encode({ fieldViolations: violations }).finish())];
  }
  if (resourceReasons.has(error.reason)) return [resourceDetail(error)];
  if (error.reason === "VERSION_MISMATCH") return [preconditionDetail(error)];
  const { retry } = statusByReason[error.reason];
  return retry === "yes" || retry === "after the delay" ? [retryDetail(error)] : [];
}

const resourceReasons: ReadonlySet<SecretErrorReason> = new Set<SecretErrorReason>([
  "SECRET_NOT_FOUND",
  "VERSION_NOT_FOUND",
  "FIELD_NOT_FOUND",
  "SECRET_DELETED",
]);

function resourceDetail(error: SecretError): Any {
  const info: ResourceInfo = {
    resourceType: "secretbroker.v1.Secret",
    resourceName: error.metadata["name"] ?? "",
    owner: "",
    description: error.message,
  };
  return detail("ResourceInfo", ResourceInfo.encode(info).finish());
}

function preconditionDetail(error: SecretError): Any {
  const violation = {
    type: "EXPECTED_VERSION",
    subject: error.metadata["name"] ?? "",
    description: error.message,
  };
  return detail("PreconditionFailure", PreconditionFailure.encode({ violations: [violation] }).finish());
}

function retryDetail(error: SecretError): Any {
  const retryDelay = durationFromMs(error.retryAfterMs ?? defaultRetryAfterMs);
  return detail("RetryInfo", RetryInfo.encode({ retryDelay }).finish());
}

function detail(message: string, value: Uint8Array): Any {
  return { typeUrl: `type.googleapis.com/google.rpc.${message}`, value: Buffer.from(value) };
}
