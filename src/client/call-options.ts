import { Metadata } from "@grpc/grpc-js";
import { SecretError } from "../domain/secret-error.js";

/** How one call is made. */
export interface CallOptions {
  /** How long the call may take, in milliseconds; the client's default unless given. The broker stops then too. */
  readonly timeoutMs?: number | undefined;
  /** Cancels the call, here and at the broker. */
  readonly signal?: AbortSignal | undefined;
  /** Names the call in the broker's log and audit: 1 to 128 visible ASCII characters; the broker makes one up unless given. */
  readonly requestId?: string | undefined;
  /** The W3C header `traceparent` of the span that calls; the broker's spans then belong to its trace. */
  readonly traceparent?: string | undefined;
}

/** How long a call may take unless told otherwise, in milliseconds. */
export const defaultTimeoutMs = 10_000;

/** The longest timeout, in milliseconds: what timers can hold. */
const maxTimeoutMs = 2 ** 31 - 1;
/** What shows that a call is meant for a broker; an address may require it. */
const guardKey = "x-secret-broker-request";
const requestIdKey = "x-request-id";
const traceparentKey = "traceparent";
const maxTraceparentLength = 256;
const tokenPattern = /^[\x21-\x7e]+$/;
const requestIdPattern = /^[\x21-\x7e]{1,128}$/;

/**
 * Accepts a timeout.
 * @throws SecretError `FIELD_INVALID`
 */
export function checkTimeoutMs(timeoutMs: number): number {
  if (timeoutMs > 0 && timeoutMs <= maxTimeoutMs) return timeoutMs;
  const description = `must be above 0 and at most ${String(maxTimeoutMs)}`;
  throw SecretError.fieldInvalid([{ field: "timeout_ms", description }]);
}

/** What of a call's options goes with it as metadata. */
export type CallMarks = Pick<CallOptions, "requestId" | "traceparent">;

/**
 * The metadata of a call.
 * @param token a bearer token
 * @throws SecretError `FIELD_INVALID` for a mark or a token that cannot be sent
 */
export function callMetadata({ requestId, traceparent }: CallMarks, token: string | undefined): Metadata {
  const metadata = new Metadata();
  metadata.set(guardKey, "true");
  if (token !== undefined) {
    if (!tokenPattern.test(token)) {
      throw SecretError.fieldInvalid([{ field: "token", description: "must be visible ASCII characters" }]);
    }
    metadata.set("authorization", `Bearer ${token}`);
  }
  if (traceparent !== undefined) {
    if (!tokenPattern.test(traceparent) || traceparent.length > maxTraceparentLength) {
      const description = `must be 1 to ${String(maxTraceparentLength)} visible ASCII characters`;
      throw SecretError.fieldInvalid([{ field: traceparentKey, description }]);
    }
    metadata.set(traceparentKey, traceparent);
  }
  if (requestId === undefined) return metadata;
  if (!requestIdPattern.test(requestId)) {
    const description = "must be 1 to 128 visible ASCII characters";
    throw SecretError.fieldInvalid([{ field: requestIdKey, description }]);
  }
  metadata.set(requestIdKey, requestId);
  return metadata;
}
