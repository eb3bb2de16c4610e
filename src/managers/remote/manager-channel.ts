import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  connectivityState,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import type { ManagerCall } from "../../contract/manager-call.js";
import { isSecretError, type SecretError } from "../../domain/secret-error.js";
import { malformedMessage } from "../../rpc/strict-decode.js";
import { failureOfCall, invalidReply, unavailable } from "./call-failure.js";
import type { ManagerRpc } from "./wire/rpcs.js";

/** Where a manager listens. */
export interface ManagerEndpoint {
  /** As gRPC wants it. */
  readonly target: string;
  readonly credentials: ChannelCredentials;
  /** Resolves when it turns out that no connection can be made, with why; undefined where that never shows. */
  readonly refused?: Promise<SecretError>;
}

/** What of a call the wire carries beside the request. */
export type WireCall = Pick<ManagerCall, "signal" | "deadline" | "traceparent">;

/** What cannot end while nothing was sent. */
const neverMs = 2 ** 31 - 1;

const channelOptions: ChannelOptions = {
  "grpc.enable_channelz": 0,
  "grpc.enable_retries": 0,
  // A proxy named in the environment must not see secrets.
  "grpc.enable_http_proxy": 0,
  "grpc.service_config_disable_resolution": 1,
  "grpc.use_local_subchannel_pool": 1,
  // A process that starts makes its socket within moments.
  "grpc.initial_reconnect_backoff_ms": 50,
  "grpc.max_reconnect_backoff_ms": 1_000,
  "grpc.client_idle_timeout_ms": neverMs,
};

/** `traceparent` of any version; whatever else came is not passed on. */
const traceparentForm = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-[\x21-\x7e]{0,180})?$/;

/**
 * One connection to a manager, and never a second: gRPC would connect anew by itself, to a process that nobody has
 * shaken hands with.
 */
export class ManagerChannel {
  /** Resolves once the connection is gone, or closed. */
  readonly lost: Promise<void>;
  readonly #client: Client;
  #lose: () => void = () => undefined;
  #isClosed = false;

  private constructor({ target, credentials }: ManagerEndpoint, maxReceiveBytes: number) {
    const options = { ...channelOptions, "grpc.max_receive_message_length": maxReceiveBytes };
    this.#client = new Client(target, credentials, options);
    this.lost = new Promise((resolve) => (this.#lose = resolve));
  }

  /**
   * Connects, trying again until it is told to stop.
   * @throws SecretError `MANAGER_UNAVAILABLE`, why the endpoint refused, or what the signal was aborted with
   */
  static async open(
    endpoint: ManagerEndpoint,
    { maxReceiveBytes, signal }: { readonly maxReceiveBytes: number; readonly signal: AbortSignal },
  ): Promise<ManagerChannel> {
    signal.throwIfAborted();
    const channel = new ManagerChannel(endpoint, maxReceiveBytes);
    const stop = (): void => {
      channel.close();
    };
    signal.addEventListener("abort", stop, { once: true });
    try {
      const refused = endpoint.refused?.then((why) => Promise.reject(why));
      await Promise.race([channel.#untilReady(), ...(refused ? [refused] : [])]);
    } catch (cause) {
      channel.close();
      signal.throwIfAborted();
      if (isSecretError(cause)) throw cause;
      throw unavailable("cannot be connected to", cause);
    } finally {
      signal.removeEventListener("abort", stop);
    }
    return channel;
  }

  /** Whether calls can be made. */
  get isOpen(): boolean {
    return !this.#isClosed;
  }

  /** Makes one call with its deadline and cancellation. @throws SecretError what became of it, or the signal's reason */
  async ask<Request, Response>(
    rpc: ManagerRpc<Request, Response>,
    request: Request,
    call: WireCall,
  ): Promise<Response> {
    const { signal } = call;
    if (this.#isClosed) throw unavailable("is not connected");
    signal.throwIfAborted();
    return await new Promise<Response>((resolve, reject) => {
      const finish = (error: ServiceError | null, response?: Response | typeof malformedMessage): void => {
        signal.removeEventListener("abort", cancel);
        if (signal.aborted) reject(signal.reason as Error);
        else if (error !== null) reject(failureOfCall(error, rpc.answers));
        else if (response === undefined || response === malformedMessage) reject(invalidReply("a broken message"));
        else resolve(response);
      };
      const { path, serialize, deserialize } = rpc;
      const options = { deadline: deadlineOf(call) };
      const wire = this.#client.makeUnaryRequest(
        path,
        serialize,
        deserialize,
        request,
        metadataOf(call),
        options,
        finish,
      );
      const cancel = (): void => {
        wire.cancel();
      };
      signal.addEventListener("abort", cancel, { once: true });
    });
  }

  /** Follows a stream until it ends or the caller goes away. @throws SecretError as {@link ManagerChannel.ask} does */
  async *follow<Request, Response>(
    rpc: ManagerRpc<Request, Response>,
    request: Request,
    call: WireCall,
  ): AsyncGenerator<Response, void> {
    const { signal } = call;
    if (this.#isClosed) throw unavailable("is not connected");
    signal.throwIfAborted();
    const { path, serialize, deserialize } = rpc;
    const options = { deadline: deadlineOf(call) };
    const wire = this.#client.makeServerStreamRequest(path, serialize, deserialize, request, metadataOf(call), options);
    const cancel = (): void => {
      wire.cancel();
    };
    signal.addEventListener("abort", cancel, { once: true });
    try {
      for await (const message of wire as AsyncIterable<Response | typeof malformedMessage>) {
        if (message === malformedMessage) throw invalidReply("a broken message");
        yield message;
      }
    } catch (thrown) {
      if (signal.aborted) return;
      throw isServiceError(thrown) ? failureOfCall(thrown, rpc.answers) : thrown;
    } finally {
      signal.removeEventListener("abort", cancel);
      wire.on("error", () => undefined);
      wire.cancel();
    }
  }

  /** Ends it, and every call under way. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#client.close();
    this.#lose();
  }

  async #untilReady(): Promise<void> {
    const channel = this.#client.getChannel();
    await new Promise<void>((resolve, reject) => {
      void this.lost.then(() => reject(new Error("closed before it was connected")));
      // gRPC's own waiting never ends when its channel is closed while it connects.
      const look = (): void => {
        if (this.#isClosed) return;
        const state = channel.getConnectivityState(true);
        if (state === connectivityState.READY) resolve();
        else channel.watchConnectivityState(state, Infinity, look);
      };
      look();
    });
    channel.watchConnectivityState(connectivityState.READY, Infinity, () => {
      // In the same turn, so that nothing is sent over a connection that gRPC makes by itself.
      this.close();
    });
  }
}

function deadlineOf({ deadline }: WireCall): Date | number {
  return Number.isNaN(deadline.getTime()) ? Infinity : deadline;
}

function metadataOf({ traceparent }: WireCall): Metadata {
  const metadata = new Metadata();
  if (traceparent !== undefined && traceparentForm.test(traceparent)) metadata.set("traceparent", traceparent);
  return metadata;
}

function isServiceError(thrown: unknown): thrown is ServiceError {
  return thrown instanceof Error && "code" in thrown && "details" in thrown && "metadata" in thrown;
}
