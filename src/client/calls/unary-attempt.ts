import { type Metadata, type ServiceError, status, type StatusObject } from "@grpc/grpc-js";
import type { BrokerConnection } from "../connection/broker-connection.js";
import { callCancelled, callFailure, type CallFailure } from "./call-failure.js";

/** What is sent, as often as it is tried. */
export interface OutgoingCall {
  readonly path: string;
  readonly message: Buffer;
  readonly metadata: Metadata;
  /** When the call must have ended, in milliseconds since the epoch. */
  readonly deadlineMs: number;
  /** How long the call had at its beginning, for messages. */
  readonly timeoutMs: number;
}

/** What one attempt came to. */
export type AttemptOutcome = { readonly ok: true; readonly bytes: Buffer } | ({ readonly ok: false } & CallFailure);

/**
 * Sends a call once; resolves also when it fails. By the channel and not by its client's methods: those pass what they
 * are handed through interceptors, of which there are none, and keep a stack trace of every call that goes well.
 */
export function attemptCall(
  connection: BrokerConnection,
  { path, message, metadata, deadlineMs, timeoutMs }: OutgoingCall,
  signal: AbortSignal | undefined,
): Promise<AttemptOutcome> {
  if (signal?.aborted === true) return Promise.resolve({ ok: false, error: callCancelled(), isLost: false });
  return new Promise((resolve) => {
    const sent = connection.client.getChannel().createCall(path, deadlineMs, undefined, null, undefined);
    const cancel = (): void => {
      sent.cancelWithStatus(status.CANCELLED, "Cancelled on client");
    };
    let bytes: Buffer | undefined;
    sent.start(metadata, {
      onReceiveMetadata: () => undefined,
      onReceiveMessage: (received: Buffer) => {
        bytes = received;
      },
      onReceiveStatus: (ended) => {
        signal?.removeEventListener("abort", cancel);
        if (ended.code === status.OK && bytes !== undefined) resolve({ ok: true, bytes });
        else resolve({ ok: false, ...callFailure(serviceError(ended), connection, timeoutMs) });
      },
    });
    sent.startRead();
    sent.sendMessageWithContext({}, message);
    sent.halfClose();
    signal?.addEventListener("abort", cancel, { once: true });
  });
}

/** A status as an error, as the client's methods would give it. */
function serviceError(ended: StatusObject): ServiceError {
  const { code, details, metadata } =
    ended.code === status.OK ? { ...ended, code: status.UNIMPLEMENTED, details: "No message received" } : ended;
  return Object.assign(new Error(`${String(code)} ${status[code]}: ${details}`), { code, details, metadata });
}
