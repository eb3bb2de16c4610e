import type { CallOptions } from "../../client/call-options.js";
import { parseBrokerAddresses } from "../../client/broker-address.js";
import { BrokerCaller } from "../../client/calls/broker-caller.js";
import { RetryPolicy } from "../../client/calls/retry-policy.js";
import { always, defineRpc, type Rpc } from "../../client/calls/rpc.js";
import { BrokerConnections } from "../../client/connection/broker-connections.js";
import { type CredentialReader, readCredential } from "../../client/connection/credential-source.js";
import { TlsMaterial, type TlsOptions } from "../../client/connection/tls-material.js";
import { SecretWatch } from "../../client/watch/secret-watch.js";
import type { ManagerCall } from "../../contract/manager-call.js";
import { isSecretError, type SecretError } from "../../domain/secret-error.js";
import { HealthCheckResponse_ServingStatus as Serving, HealthService } from "../../gen/grpc/health/v1/health.js";
import { failureOf, isRefusal } from "./upstream-failure.js";

/** How central brokers are reached. */
export interface UpstreamLinkOptions {
  /** `host:port` or `unix:PATH`, in the order they are tried. */
  readonly addresses: readonly string[];
  readonly tls?: TlsOptions | undefined;
  /** The file with the token that proves who this broker is. */
  readonly tokenFile?: string | undefined;
  /** Told when a central broker does not accept who this one is, or what it asks for. */
  readonly onRefused: (failure: SecretError) => void;
}

/** The longest time a timer can hold, in milliseconds. */
const maxTimeoutMs = 2 ** 31 - 1;
const defaultTimeoutMs = 10_000;
/** Short, as whoever calls this broker tries again too. */
const retry = { attempts: 3, baseDelayMs: 50, maxDelayMs: 500 };
const traceparentForm = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-[\x21-\x7e]{0,180})?$/;

const checkServing: Rpc<undefined, boolean> = defineRpc(HealthService.check, {
  encode: () => ({ service: "" }),
  decode: ({ status }) => status === Serving.SERVING,
  isRepeatable: always,
});

/** The one way to the central brokers, for every caller of this one: the client library's. Must be closed. */
export class UpstreamLink {
  readonly #connections: BrokerConnections;
  readonly #caller: BrokerCaller;
  readonly #token: CredentialReader<string | undefined>;
  readonly #tls: TlsMaterial | undefined;
  readonly #onRefused: (failure: SecretError) => void;

  /** @throws SecretError `FIELD_INVALID` */
  constructor({ addresses, tls, tokenFile, onRefused }: UpstreamLinkOptions) {
    this.#tls = tls && new TlsMaterial(tls);
    const token = tokenFile === undefined ? undefined : { file: tokenFile };
    this.#token = readCredential<string | undefined>(token, "secret_broker.manager.token_file");
    this.#connections = new BrokerConnections(parseBrokerAddresses(addresses, tls !== undefined), this.#tls);
    this.#onRefused = onRefused;
    this.#caller = new BrokerCaller({
      connections: this.#connections,
      token: this.#token,
      timeoutMs: defaultTimeoutMs,
      retries: new RetryPolicy(retry, Math.random),
      hedgeAfterMs: undefined,
    });
  }

  /** Reads the files it needs once, so that a wrong one is found at the start. @throws SecretError */
  async readFiles(): Promise<void> {
    await this.#token.read();
    await this.#tls?.context();
  }

  /** Asks for as long as the caller waits. @throws SecretError what {@link failureOf} makes of the failure */
  async ask<Ask, Answer>(rpc: Rpc<Ask, Answer>, ask: Ask, call: ManagerCall): Promise<Answer> {
    try {
      return await this.#caller.call(rpc, ask, callOptionsOf(call));
    } catch (thrown) {
      throw this.failureOf(thrown);
    }
  }

  /** Whether a central broker says that it serves. */
  async isServing(call: ManagerCall): Promise<boolean> {
    return await this.ask(checkServing, undefined, call);
  }

  /** A stream of changes; whoever iterates over it ends it. */
  watch({ signal, requestId }: ManagerCall): SecretWatch {
    const parts = { caller: this.#caller, connections: this.#connections };
    return new SecretWatch(parts, { signal, requestId, keepsProcessAlive: false });
  }

  /** What a failure means for the caller; tells whom it concerns when this broker is at fault. */
  failureOf(thrown: unknown): SecretError {
    if (isSecretError(thrown) && isRefusal(thrown)) this.#onRefused(thrown);
    return failureOf(thrown);
  }

  /** Takes no more calls, and ends the connections when those under way have ended. */
  close(): void {
    this.#caller.close();
    this.#connections.close();
  }
}

/** The caller's id and trace, and the time it still has. */
function callOptionsOf({ deadline, signal, requestId, traceparent }: ManagerCall): CallOptions {
  const remainingMs = deadline.getTime() - Date.now();
  const timeoutMs = Math.min(Math.max(remainingMs, 1), maxTimeoutMs);
  const trace = traceparent !== undefined && traceparentForm.test(traceparent) && { traceparent };
  return { timeoutMs, signal, requestId, ...trace };
}
