import type { ServiceError } from "@grpc/grpc-js";
import type { Metadata } from "@grpc/grpc-js";
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

/** Sends a call once; resolves also when it fails. */
export function attemptCall(
  connection: BrokerConnection,
  call: OutgoingCall,
  signal: AbortSignal | undefined,
): Promise<AttemptOutcome> {
  if (signal?.aborted === true) return Promise.resolve({ ok: false, error: callCancelled(), isLost: false });
  return new Promise((resolve) => {
    const finish = (failed: ServiceError | null, bytes: Buffer = Buffer.alloc(0)): void => {
      signal?.removeEventListener("abort", cancel);
      if (failed === null) resolve({ ok: true, bytes });
      else resolve({ ok: false, ...callFailure(failed, connection, call.timeoutMs) });
    };
    const { path, message, metadata, deadlineMs } = call;
    const options = { deadline: deadlineMs };
    const sent = connection.client.makeUnaryRequest(path, itself, itself, message, metadata, options, finish);
    const cancel = (): void => {
      sent.cancel();
    };
    signal?.addEventListener("abort", cancel, { once: true });
  });
}

function itself(bytes: Buffer): Buffer {
  return bytes;
}
