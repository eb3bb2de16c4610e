import { setTimeout as delay } from "node:timers/promises";
import { Server } from "@grpc/grpc-js";
import type { Log } from "../log/log.js";
import { ConnectionGate, type ConnectionLimits } from "./connection-gate.js";
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
import { type GrpcAddress, Listener } from "./listener.js";
import { guardedBy } from "./metadata-guard.js";
import { type Identify, refusesBy } from "./open-call.js";
import { type ConnectionOf, countUses } from "./connection-use.js";
import { unaryCalls } from "./unary-call.js";
import { type ClientCertificates, TlsFront, type TlsMaterial } from "./tls-front.js";

export type { GrpcAddress } from "./listener.js";

/** One more address for a server. */
export interface ListenRequest {
  readonly address: GrpcAddress;
  /** Tells who calls there. */
  readonly identify: Identify;
  /** Whether every call must show by its metadata that it was meant for a broker; health and reflection need not. */
  readonly requiresMetadata?: boolean | undefined;
  /** Undefined for plaintext. */
  readonly tls: ListenerTls | undefined;
}

/** How an address is encrypted. */
export interface ListenerTls {
  readonly material: TlsMaterial;
  readonly clientCertificates: ClientCertificates;
}

/** An address that is listened on. */
export interface OpenAddress {
  /** As a client dials it, with the real port where 0 was asked for. */
  readonly address: string;
  /** Takes other certificates. Connections live on, but for those whose client is trusted no more. */
  replaceTls(material: TlsMaterial): void;
}

/** What a server is made of. */
export interface GrpcServerOptions extends Omit<ServiceParts, "identify"> {
  readonly maxReceiveMessageBytes: number;
  /** For each connection. */
  readonly maxConcurrentStreams: number;
  /** Of all addresses together. */
  readonly connections: ConnectionLimits;
  readonly log: Log;
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
  readonly #listeners: Listener[] = [];
  readonly #health = new HealthReporter();
  readonly #reflection = reflectionServices(() => [...this.#brokerNames(), ...standardNames]);
  readonly #options: GrpcServerOptions;
  readonly #gate: ConnectionGate;

  constructor(options: GrpcServerOptions) {
    this.#options = options;
    this.#gate = new ConnectionGate(options.connections, options.log);
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#gate.size;
  }

  /**
   * Listens on one more address.
   * @throws SecretError `CONFIG_INVALID` when the address cannot be had
   */
  async listen({ address, identify: identifyAny, requiresMetadata, tls }: ListenRequest): Promise<OpenAddress> {
    const connectionOf: ConnectionOf = (peer) => listener.connection(peer);
    const identify = requiresMetadata === true ? guardedBy(identifyAny) : identifyAny;
    const server = this.#createServer(connectionOf, (credentials) => {
      const { peer: id, authorization, forwardedCertificate, guard } = credentials;
      const connection = connectionOf(id);
      connection?.use();
      return identify({ peer: connection?.peer ?? "gone", connection, authorization, forwardedCertificate, guard });
    });
    const front = tls && new TlsFront(tls.material, tls.clientCertificates);
    const { idleTimeoutMs } = this.#options.connections;
    const listener = new Listener({ server, gate: this.#gate, tls: front, idleTimeoutMs });
    this.#listeners.push(listener);
    return {
      address: await listener.listen(address),
      replaceTls: (material) => listener.replaceTls(material),
    };
  }

  /** Tells health checks whether the broker can answer. */
  setServing(isServing: boolean): void {
    this.#health.update(new Map(["", ...this.#brokerNames()].map((name) => [name, isServing])));
  }

  /** Takes no more calls, lets those under way finish within a time, then ends them. */
  async stop(drainMs: number): Promise<void> {
    this.#health.drain();
    for (const listener of this.#listeners) listener.close();
    this.#gate.refuseBeginners();
    // That connections are closed is asked of themselves: of one whose caller goes away just now, grpc-js may never tell.
    for (const server of this.#servers) server.tryShutdown(ignore);
    const isEmpty = this.#gate.untilEmpty();
    const isOver = new AbortController();
    await Promise.race([isEmpty, this.#untilQuiet(drainMs, isOver.signal)]);
    isOver.abort();
    for (const server of this.#servers) server.forceShutdown();
    this.#gate.close();
    await isEmpty;
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

  #createServer(connectionOf: ConnectionOf, identify: Identify): Server {
    const { maxReceiveMessageBytes, maxConcurrentStreams, connections } = this.#options;
    const identified = new Set<string>();
    const server = new Server({
      "grpc.max_receive_message_length": maxReceiveMessageBytes,
      "grpc.max_concurrent_streams": maxConcurrentStreams,
      "grpc.enable_channelz": 0,
      interceptors: [unaryCalls(refusesBy(identify), (path) => identified.has(path))],
      "grpc.keepalive_time_ms": connections.keepaliveMs,
      "grpc.keepalive_timeout_ms": connections.keepaliveTimeoutMs,
    });
    const parts = { ...this.#options, identify };
    const services = [
      secretBrokerService(parts),
      virtualKeyBrokerService(parts),
      administrationBrokerService(parts),
      this.#health.service(),
      ...this.#reflection,
    ];
    for (const service of services) {
      server.addService(service.definition, countUses(service, connectionOf));
      if (service.isIdentified) for (const { path } of Object.values(service.definition)) identified.add(path);
    }
    this.#servers.push(server);
    return server;
  }
}

function ignore(): void {
  // On purpose.
}
