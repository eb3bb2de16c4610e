import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { SecretError } from "../../domain/secret-error.js";
import { type CallOptions, checkTimeoutMs, defaultTimeoutMs } from "../call-options.js";
import type { ClientOptions } from "../client-options.js";
import { type CredentialFile, type CredentialFunction, readCredential } from "../connection/credential-source.js";
import type { ReadAnswer, ReadRequest } from "../read-secret.js";
import { isServedHere } from "./serving-thread.js";
import type { SyncAsk, SyncReply, SyncWorkerData, TlsPart } from "./sync-messages.js";

/** How a synchronous read is made; it cannot be cancelled, as nothing else happens meanwhile. */
export type SyncCallOptions = Pick<CallOptions, "timeoutMs" | "requestId">;

/** How long after the deadline the other thread's own word is waited for, in milliseconds. */
const graceMs = 250;

interface Running {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly flag: Int32Array<SharedArrayBuffer>;
}

/** Reads while the calling thread waits: another thread asks the broker. It starts with the first read. */
export class SyncReader {
  readonly #addresses: readonly string[];
  readonly #options: ClientOptions;
  #running: Running | undefined;
  #lastId = 0;

  constructor(addresses: readonly string[], options: ClientOptions) {
    this.#addresses = addresses;
    this.#options = options;
  }

  /** @throws SecretError as an asynchronous read, and `FIELD_INVALID` where waiting would keep the broker from answering */
  read(request: ReadRequest, { timeoutMs, requestId }: SyncCallOptions): ReadAnswer {
    const checkedMs = checkTimeoutMs(timeoutMs ?? this.#options.timeoutMs ?? defaultTimeoutMs);
    const served = this.#addresses.find(isServedHere);
    if (served !== undefined) throw wouldWaitForItself(served);
    const { token } = this.#options;
    const credentials = { token: giveNow(token, "token"), tls: giveTls(this.#options) };
    this.#running ??= this.#start();
    const ask: SyncAsk = { id: (this.#lastId += 1), request, timeoutMs: checkedMs, requestId, ...credentials };
    const reply = wait(this.#running, ask);
    if (reply === undefined) {
      // It may never answer again.
      this.close();
      throw new SecretError("MANAGER_TIMEOUT", `the broker did not answer within ${String(checkedMs)} ms`);
    }
    if (reply.ok) return reply.answer;
    const { reason, message, retryAfterMs, ...facts } = reply.error;
    throw new SecretError(reason, message, { ...facts, ...(retryAfterMs !== undefined && { retryAfterMs }) });
  }

  /** Ends the other thread. Idempotent. */
  close(): void {
    this.#running?.port.close();
    void this.#running?.worker.terminate();
    this.#running = undefined;
  }

  #start(): Running {
    const { port1, port2 } = new MessageChannel();
    const flag = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const workerData: SyncWorkerData = {
      port: port2,
      flag,
      addresses: this.#addresses,
      options: withoutFunctions(this.#options),
      given: givenParts(this.#options),
    };
    const worker = new Worker(new URL("./sync-worker.js", import.meta.url), {
      workerData,
      transferList: [port2],
      execArgv: [],
    });
    // A thread that cannot start, or dies, is noticed by whoever waits for it.
    worker.on("error", () => undefined);
    worker.unref();
    port1.unref();
    return { worker, port: port1, flag };
  }
}

/** Waits for the answer; undefined when there is none in time. */
function wait({ port, flag }: Running, ask: SyncAsk): SyncReply | undefined {
  send(port, ask);
  const endMs = performance.now() + ask.timeoutMs + graceMs;
  for (;;) {
    const seen = Atomics.load(flag, 0);
    const received = receiveMessageOnPort(port);
    if (received !== undefined) {
      const reply = received.message as SyncReply;
      // The answer to a read that was given up.
      if (reply.id === ask.id) return reply;
      continue;
    }
    const restMs = endMs - performance.now();
    if (restMs <= 0) return undefined;
    Atomics.wait(flag, 0, seen, restMs);
  }
}

function send(port: MessagePort, ask: SyncAsk): void {
  try {
    port.postMessage(ask);
  } catch (cause) {
    if (!(cause instanceof DOMException && cause.name === "DataCloneError")) throw cause;
    const description = "must be plain values for a synchronous read: a function cannot go to another thread";
    throw SecretError.fieldInvalid([{ field: "request", description }]);
  }
}

function withoutFunctions({ token, tls, ...options }: ClientOptions): ClientOptions {
  const plain = tls === undefined || tls === true ? tls : { ...tls };
  if (typeof plain === "object") for (const part of givenParts({ tls })) plain[part] = undefined;
  return { ...options, tls: plain, token: typeof token === "function" ? undefined : token };
}

/** Which parts of TLS functions give. */
function givenParts({ tls }: Pick<ClientOptions, "tls">): TlsPart[] {
  if (typeof tls !== "object") return [];
  return (["ca", "certificate", "key"] as const).filter((part) => typeof tls[part] === "function");
}

/** What functions give of TLS, at once: it may have changed since the last read. */
function giveTls({ tls }: ClientOptions): SyncAsk["tls"] {
  if (typeof tls !== "object") return {};
  return Object.fromEntries(givenParts({ tls }).map((part) => [part, giveNow(tls[part], `tls.${part}`)]));
}

/** What a function gives, at once; undefined of what is none. */
function giveNow<T extends string | Uint8Array | undefined>(
  source: T | CredentialFile | CredentialFunction<T>,
  what: string,
): T | string | undefined {
  if (typeof source !== "function") return undefined;
  const value = readCredential(source, what).read();
  if (!(value instanceof Promise)) return value;
  value.catch(() => undefined);
  const description = "must be given at once for a synchronous read: a promise cannot be waited for";
  throw SecretError.fieldInvalid([{ field: what, description }]);
}

function wouldWaitForItself(address: string): SecretError {
  const description = `"${address}" is served by this very thread, which cannot answer while it waits: use readSecret, or read from a worker thread`;
  return SecretError.fieldInvalid([{ field: "address", description }]);
}
