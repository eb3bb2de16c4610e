import type { MessagePort } from "node:worker_threads";
import type { FieldViolation, SecretErrorReason } from "../../domain/secret-error.js";
import type { ClientOptions } from "../client-options.js";
import type { ReadAnswer, ReadRequest } from "../read-secret.js";

/** What of TLS a function may give. */
export type TlsPart = "ca" | "certificate" | "key";

/** What the thread that asks the broker is started with. */
export interface SyncWorkerData {
  readonly port: MessagePort;
  /** Counts the answers; whoever waits is woken when it changes. */
  readonly flag: Int32Array<SharedArrayBuffer>;
  readonly addresses: readonly string[];
  /** Without functions, which no other thread can call. */
  readonly options: ClientOptions;
  /** What functions give of it instead, with each read. */
  readonly given: readonly TlsPart[];
}

/** One read. */
export interface SyncAsk {
  readonly id: number;
  readonly request: ReadRequest;
  readonly timeoutMs: number;
  readonly requestId: string | undefined;
  /** The token a function gave for this read. */
  readonly token: string | undefined;
  /** What functions gave of TLS for this read. */
  readonly tls: Readonly<Partial<Record<TlsPart, string | Uint8Array>>>;
}

/** What became of it. */
export type SyncReply = { readonly id: number } & (
  { readonly ok: true; readonly answer: ReadAnswer } | { readonly ok: false; readonly error: PlainError }
);

/** A failure that can go from one thread to another. */
export interface PlainError {
  readonly reason: SecretErrorReason;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;
}
