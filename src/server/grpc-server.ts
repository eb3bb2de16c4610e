import { setTimeout as delay } from "node:timers/promises";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { SecretError } from "../domain/secret-error.js";
import { HealthReporter } from "./health-service.js";
import { reflectionServices } from "./reflection-service.js";
import {
  administrationBrokerName,
  administrationBrokerService,
  secretBrokerName,
  secretBrokerService,
  type ServiceParts,
  virtualKeyBrokerName,
  virtualKeyBrokerService,
} from "./services.js";
import type { Identify } from "./open-call.js";
import { prepareUnixSocket, withPrivateMode } from "./unix-socket.js";

/** Where to listen. */
export type GrpcAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** What a server is made of. */
export interface GrpcServerOptions extends Omit<ServiceParts, "identify"> {
  readonly maxReceiveMessageBytes: number;
  /** For each connection. */
  readonly maxConcurrentStreams: number;
}

/** How long the last answers may take to leave once no call is under way, and how often that is looked at. */
const quietMs = 1_000;
const quietPollMs = 20;

/** Services that are always there, by their full names. */
const standardNames = [
  "grpc.health.v1.Health",
  "grpc.reflection.v1.ServerReflection",
  "grpc.reflection.v1alpha.ServerReflection",
];

/** The broker's gRPC side: its services, health and reflection on any number of addresses. */
export class GrpcServer {
  /** One for each address: each knows its callers in its own way. */
  readonly #servers: Server[] = [];
  readonly #health = new HealthReporter();
  readonly #options: GrpcServerOptions;

  constructor(options: GrpcServerOptions) {
    this.#options = options;
  }

  /**
   * Listens on one more address, without encryption.
   * @param identify tells who calls there
   * @returns the address as a client dials it, with the real port where 0 was asked for
   * @throws SecretError `CONFIG_INVALID` when the address cannot be had
   */
  async listen(address: GrpcAddress, identify: Identify): Promise<string> {
    const server = this.#createServer(identify);
    if (address.kind === "unix") {
      await prepareUnixSocket(address.path);
      await withPrivateMode(() => bind(server, `unix:${address.path}`));
      return `unix:${address.path}`;
    }
    const host = address.host.includes(":") ? `[${address.host}]` : address.host;
    const port = await bind(server, `${host}:${String(address.port)}`);
    return `${host}:${String(port)}`;
  }

  /** Tells health checks whether the broker can answer. */
  setServing(isServing: boolean): void {
    this.#health.update(new Map(["", ...this.#brokerNames()].map((name) => [name, isServing])));
  }

  /** Takes no more calls, lets those under way finish within a time, then ends them. */
  async stop(drainMs: number): Promise<void> {
    this.#health.drain();
    const drained = Promise.all(this.#servers.map(shutDown));
    const isOver = new AbortController();
    await Promise.race([drained, this.#untilQuiet(drainMs, isOver.signal)]);
    isOver.abort();
    for (const server of this.#servers) server.forceShutdown();
    await drained;
  }

  /**
   * Waits until no call has been under way for a moment. Calls are what matters: a caller that goes away just when its
   * connection is closed can leave that open for good, as Node.js never reports it as closed.
   */
  async #untilQuiet(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const endMs = performance.now() + timeoutMs;
    let quietSinceMs: number | undefined;
    for (let nowMs = performance.now(); nowMs < endMs && !signal.aborted; nowMs = performance.now()) {
      if (this.#options.interceptor.hasOpenCalls) quietSinceMs = undefined;
      else if (nowMs - (quietSinceMs ??= nowMs) >= quietMs) return;
      await delay(Math.min(quietPollMs, endMs - nowMs), undefined, { signal }).catch(() => undefined);
    }
  }

  #brokerNames(): string[] {
    const isStored = this.#options.settings().virtualKeys !== undefined;
    return [secretBrokerName, ...(isStored ? [virtualKeyBrokerName] : []), administrationBrokerName];
  }

  #createServer(identify: Identify): Server {
    const { maxReceiveMessageBytes, maxConcurrentStreams } = this.#options;
    const server = new Server({
      "grpc.max_receive_message_length": maxReceiveMessageBytes,
      "grpc.max_concurrent_streams": maxConcurrentStreams,
      "grpc.enable_channelz": 0,
    });
    const parts = { ...this.#options, identify };
    const services = [
      secretBrokerService(parts),
      virtualKeyBrokerService(parts),
      administrationBrokerService(parts),
      this.#health.service(),
      ...reflectionServices(() => [...this.#brokerNames(), ...standardNames]),
    ];
    for (const { definition, implementation } of services) server.addService(definition, implementation);
    this.#servers.push(server);
    return server;
  }
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(cannotListen(address, error));
    });
  });
}

function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.tryShutdown(() => {
      resolve();
    });
  });
}

function cannotListen(address: string, cause: Error): SecretError {
  const isTaken = cause.message.includes("EADDRINUSE");
  const why = isTaken ? "it is in use; stop what listens there or choose another" : "the system refused it";
  return new SecretError("CONFIG_INVALID", `cannot listen on ${address}: ${why}`, { cause });
}
