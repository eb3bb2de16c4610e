import type { ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import { isSecretError, SecretError, type SecretErrorReason } from "../../domain/secret-error.js";
import { SecretBrokerService } from "../../gen/secretbroker/v1/secret_broker.js";
import type { WatchSecretsRequest, WatchSecretsResponse } from "../../gen/secretbroker/v1/watch.js";
import { statusByReason } from "../../rpc/status-by-reason.js";
import type { CallOptions } from "../call-options.js";
import type { BrokerCaller } from "../calls/broker-caller.js";
import { callCancelled, callFailure, unreachable } from "../calls/call-failure.js";
import { inTime } from "../calls/in-time.js";
import type { BrokerConnection } from "../connection/broker-connection.js";
import type { BrokerConnections } from "../connection/broker-connections.js";
import { encodeText, encodeUint32 } from "../encode-field.js";
import {
  decodeWatchEvent,
  encodeSubscription,
  encodeUnsubscription,
  type WatchEvent,
  type WatchSubscription,
} from "./watch-events.js";

type Stream = ClientDuplexStream<WatchSecretsRequest, WatchSecretsResponse>;

/** How long one connection attempt for a watch may take, in milliseconds. */
const connectTimeoutMs = 10_000;

/** How a watch is opened. */
export interface WatchOptions extends Pick<CallOptions, "signal" | "requestId"> {
  /** Whether the watch alone keeps the process alive; true unless given. */
  readonly keepsProcessAlive?: boolean | undefined;
}

/** What a watch works with. */
export interface SecretWatchParts {
  readonly caller: BrokerCaller;
  readonly connections: BrokerConnections;
}

/**
 * One stream of `WatchSecrets`: iterate over it for what the broker tells, and say with the methods what is watched.
 *
 * The iteration ends when the watch is closed, and throws a {@link SecretError} when the stream breaks; it does not
 * connect again by itself, as only whoever holds the values knows what to resume from. May be iterated once.
 */
export class SecretWatch implements AsyncIterable<WatchEvent> {
  readonly #parts: SecretWatchParts;
  readonly #options: WatchOptions;
  readonly #closing = new AbortController();
  #early: WatchSecretsRequest[] | undefined = [];
  #stream: Stream | undefined;
  #isOpened = false;

  /** Made by the client; connects when it is iterated. */
  constructor(parts: SecretWatchParts, options: WatchOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Adds to what is watched. @throws SecretError `FIELD_INVALID` */
  subscribe(subscription: WatchSubscription): void {
    this.#say(encodeSubscription(subscription));
  }

  /** Takes away from what is watched. @throws SecretError `FIELD_INVALID` */
  unsubscribe(subscription: Pick<WatchSubscription, "names" | "prefixes">): void {
    this.#say(encodeUnsubscription(subscription));
  }

  /** Reports that a version is in use; version 0 that nothing is left of a secret. @throws SecretError `FIELD_INVALID` */
  ack(name: string, version: number): void {
    const value = { name: encodeText("name", name), version: encodeUint32("version", version) };
    this.#say({ action: { $case: "ack", value } });
  }

  /** Reports that a version could not be used. @throws SecretError `FIELD_INVALID` */
  nack(name: string, version: number, reason: SecretErrorReason): void {
    // A text of the program's own could quote the value.
    const value = {
      name: encodeText("name", name),
      version: encodeUint32("version", version),
      status: { code: statusByReason[reason].code, message: reason, details: [] },
    };
    this.#say({ action: { $case: "nack", value } });
  }

  /** Ends the watch. Idempotent. */
  close(): void {
    this.#closing.abort();
    this.#early = [];
    this.#stream?.cancel();
  }

  /** What the broker tells, in order. @throws SecretError why the stream broke */
  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent, void, undefined> {
    if (this.#isOpened) throw new SecretError("FIELD_INVALID", "a watch can be iterated once; open another one");
    this.#isOpened = true;
    const { caller, connections } = this.#parts;
    const { signal, keepsProcessAlive = true } = this.#options;
    const stop = (): void => {
      this.close();
    };
    if (keepsProcessAlive) connections.references.hold();
    signal?.addEventListener("abort", stop);
    caller.closed.addEventListener("abort", stop);
    try {
      caller.assertOpen();
      if (signal?.aborted) throw callCancelled();
      yield* this.#events();
    } finally {
      this.close();
      signal?.removeEventListener("abort", stop);
      caller.closed.removeEventListener("abort", stop);
      if (keepsProcessAlive) connections.references.release();
    }
  }

  async *#events(): AsyncGenerator<WatchEvent, void, undefined> {
    const { caller } = this.#parts;
    const metadata = await this.#whileOpen(caller.metadata(this.#options));
    if (metadata === undefined) return;
    const connection = await this.#whileOpen(this.#reach());
    if (connection === undefined) return;
    const { path, requestSerialize, responseDeserialize } = SecretBrokerService.watchSecrets;
    const stream = connection.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
    this.#stream = stream;
    // What is written to a stream that broke, and what breaks after nobody listens any more.
    stream.on("error", () => undefined);
    for (const message of this.#early ?? []) stream.write(message);
    this.#early = undefined;
    try {
      for await (const message of stream) {
        const event = decodeWatchEvent(message as WatchSecretsResponse);
        if (event !== undefined) yield event;
      }
    } catch (error) {
      if (this.#hasClosed()) return;
      throw this.#failure(error, connection);
    }
  }

  /** A connection on which the stream goes out at once, or fails at once. @throws SecretError when there is none in time */
  async #reach(): Promise<BrokerConnection> {
    const { connections } = this.#parts;
    const { keepsProcessAlive } = this.#options;
    const wait = { keepsProcessAlive, signal: this.#closing.signal };
    const connection = await connections.reach(Date.now() + connectTimeoutMs, wait);
    if (!connection.isUndecided) return connection;
    connections.avoid(connection);
    throw unreachable(connection);
  }

  /** Undefined once the watch is closed. */
  async #whileOpen<T>(work: T | Promise<T>): Promise<T | undefined> {
    const bounds = {
      signals: [this.#closing.signal],
      keepsProcessAlive: this.#options.keepsProcessAlive,
      tooLate: callCancelled,
    };
    try {
      const done = work instanceof Promise ? await inTime(work, bounds) : work;
      return this.#hasClosed() ? undefined : done;
    } catch (error) {
      if (this.#hasClosed()) return undefined;
      throw error;
    }
  }

  #hasClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  #failure(error: unknown, connection: BrokerConnection): SecretError {
    if (isSecretError(error)) return error;
    const failure = callFailure(error as ServiceError, connection, undefined);
    if (failure.isLost || failure.error.reason === "MANAGER_UNAVAILABLE") this.#parts.connections.avoid(connection);
    if (failure.error.reason.startsWith("CREDENTIAL_")) this.#parts.caller.forgetToken();
    return failure.error;
  }

  #say(message: WatchSecretsRequest): void {
    if (this.#hasClosed()) return;
    if (this.#early !== undefined) this.#early.push(message);
    else if (this.#stream?.writable === true) this.#stream.write(message);
  }
}
