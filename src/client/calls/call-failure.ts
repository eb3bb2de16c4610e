import { type ServiceError, status } from "@grpc/grpc-js";
import { SecretError } from "../../domain/secret-error.js";
import { fromFailedCall } from "../../rpc/decode-status.js";
import { statusDetailsKey } from "../../rpc/encode-status.js";
import type { BrokerConnection } from "../connection/broker-connection.js";

/** Why a call failed, and what that says of the way to the broker. */
export interface CallFailure {
  readonly error: SecretError;
  /** Whether the broker was not reached, or was lost before it had answered. */
  readonly isLost: boolean;
}

/**
 * What gRPC's failure means.
 * @param timeoutMs how long the call had, for the message; undefined for one without an end
 */
export function callFailure(
  failed: ServiceError,
  connection: BrokerConnection,
  timeoutMs: number | undefined,
): CallFailure {
  // A status with our details is the broker's word; one without was made on the way.
  if (failed.metadata.get(statusDetailsKey).length > 0) return { error: fromFailedCall(failed), isLost: false };
  switch (failed.code) {
    case status.UNAVAILABLE:
      return { error: unreachable(connection, failed), isLost: true };
    case status.DEADLINE_EXCEEDED:
      return { error: tooSlow(connection, timeoutMs, failed), isLost: false };
    case status.CANCELLED:
      return { error: callCancelled(failed), isLost: false };
    default:
      return { error: fromFailedCall(failed), isLost: false };
  }
}

/** The caller has cancelled the call, or the way there has. */
export function callCancelled(cause?: unknown): SecretError {
  return new SecretError("CALL_CANCELLED", "the call was cancelled", { cause });
}

/** The client takes no more calls. */
export function clientClosed(): SecretError {
  return new SecretError("CALL_CANCELLED", "the client is closed");
}

/** No connection to a broker came about; for the reason that TLS gave, where that is why. */
export function unreachable({ address, failure }: BrokerConnection, cause?: ServiceError): SecretError {
  if (failure !== undefined) return failure;
  const message = `the broker at "${address}" could not be reached; "secret-broker serve" starts one`;
  return new SecretError("MANAGER_UNAVAILABLE", message, { cause, metadata: { address } });
}

function tooSlow({ address }: BrokerConnection, timeoutMs = 0, cause?: ServiceError): SecretError {
  const message = `the broker at "${address}" did not answer within ${String(timeoutMs)} ms`;
  return new SecretError("MANAGER_TIMEOUT", message, { cause, metadata: { address } });
}
