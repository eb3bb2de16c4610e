import { lookup } from "node:dns/promises";
import { createServer, type ListenOptions, type Server as NetServer, type Socket } from "node:net";
import { type Server, ServerCredentials } from "@grpc/grpc-js";
import { SecretError } from "../domain/secret-error.js";
import type { ClientCertificate } from "../identity/client-certificate.js";
import { Connection } from "../identity/connection.js";
import type { Admission, ConnectionGate } from "./connection-gate.js";
import { awaitPreface } from "./http2-preface.js";
import type { TlsFront, TlsMaterial } from "./tls-front.js";
import { prepareUnixSocket, withSocketMode } from "./unix-socket.js";

/** Where to listen. */
export type GrpcAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string; readonly mode?: number | undefined };

/** What a listener works with. */
export interface ListenerOptions {
  /** Answers the calls of its connections. */
  readonly server: Server;
  readonly gate: ConnectionGate;
  /** After so long without a call a connection is closed. */
  readonly idleTimeoutMs: number;
  /** Undefined for plaintext. */
  readonly tls: TlsFront | undefined;
}

/** How long calls under way may take when their connection is to be made again. */
const retireMs = 30_000;

/** How often it is looked for idle connections in the time they may be idle. */
const looksPerIdleTimeout = 8;

/** What Node.js's timers can wait at most. */
const maxTimerMs = 2 ** 31 - 1;

let connectionsSoFar = 0;

/**
 * One address: accepts connections itself and hands those that speak HTTP/2 to grpc-js, one by one. So each call can be
 * told by its connection, each connection can be closed for itself, and those that never begin cost next to nothing.
 */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #servers: NetServer[] = [];
  // id → connection; grpc-js tells handlers the id as the peer of a call
  readonly #connections = new Map<string, Connection>();
  readonly #idleLooks: NodeJS.Timeout;
  #isClosed = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
    const everyMs = Math.min(maxTimerMs, options.idleTimeoutMs / looksPerIdleTimeout);
    this.#idleLooks = setInterval(() => {
      this.#retireIdle();
    }, everyMs).unref();
  }

  /** The connection a call came over, by what grpc-js gives as its peer; undefined once it is closed. */
  connection(id: string): Connection | undefined {
    return this.#connections.get(id);
  }

  /**
   * Listens.
   * @returns the address as a client dials it, with the real port where 0 was asked for
   * @throws SecretError `CONFIG_INVALID` when the address cannot be had
   */
  async listen(address: GrpcAddress): Promise<string> {
    if (address.kind === "unix") {
      const { path, mode } = address;
      await prepareUnixSocket(path);
      await withSocketMode(mode, () => this.#bind({ path }, `unix:${path}`));
      return `unix:${path}`;
    }
    const host = address.host.includes(":") ? `[${address.host}]` : address.host;
    const shown = `${host}:${String(address.port)}`;
    const [first = address.host, ...others] = await addressesOf(address.host, shown);
    const port = await this.#bind({ host: first, port: address.port }, shown);
    // A machine may have a name for an address that it does not have.
    for (const other of others) await this.#bind({ host: other, port }, shown).catch(() => undefined);
    return `${host}:${String(port)}`;
  }

  /** Takes other certificates. Connections live on, but for those whose client is trusted no more. */
  replaceTls(material: TlsMaterial): void {
    const { tls } = this.#options;
    if (tls?.replace(material) !== true) return;
    for (const connection of this.#connections.values()) {
      if (connection.certificate?.recheck(tls.anchors) === true) connection.retire();
    }
  }

  /** Accepts no more connections. Idempotent. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#idleLooks);
    for (const server of this.#servers.splice(0)) server.close();
  }

  /** Not left to grpc-js, whose own account of idle connections adds a tenth to what a call costs. */
  #retireIdle(): void {
    const nowMs = performance.now();
    for (const connection of this.#connections.values()) {
      if (connection.quietMs(nowMs) >= this.#options.idleTimeoutMs) connection.retire();
    }
  }

  #bind(where: ListenOptions, shown: string): Promise<number> {
    const server = createServer({ noDelay: true }, (socket) => {
      this.#accept(socket);
    });
    return new Promise((resolve, reject) => {
      // Later ones are of single connections that could not be accepted, such as for want of file descriptors.
      server.on("error", (error) => {
        reject(cannotListen(shown, error));
      });
      server.listen(where, () => {
        this.#servers.push(server);
        const bound = server.address();
        resolve(typeof bound === "object" && bound !== null ? bound.port : 0);
      });
    });
  }

  #accept(socket: Socket): void {
    const { gate, tls } = this.#options;
    const admission = gate.enter(socket);
    if (admission === undefined) return;
    if (tls === undefined) this.#begin(socket, admission);
    else tls.secure(socket, (secured, certificate) => this.#begin(secured, admission, certificate));
  }

  #begin(socket: Socket, admission: Admission, certificate?: ClientCertificate): void {
    awaitPreface(socket, () => {
      admission.establish();
      if (this.#isClosed) socket.destroy();
      else if (!socket.destroyed) this.#handOver(socket, certificate);
    });
  }

  /** An injector for each connection: so grpc-js can close one gracefully, and forgets it when it is closed. */
  #handOver(socket: Socket, certificate: ClientCertificate | undefined): void {
    const { tls } = this.#options;
    // Others may be trusted since its handshake began, which a client can draw out.
    if (tls !== undefined) certificate?.recheck(tls.anchors);
    const injector = this.#options.server.createConnectionInjector(ServerCredentials.createInsecure());
    const connection = new Connection({
      ...nameConnection(socket),
      certificate,
      retire: () => injector.drain(retireMs),
    });
    this.#connections.set(connection.id, connection);
    socket.once("close", () => {
      this.#connections.delete(connection.id);
      injector.destroy();
    });
    injector.injectConnection(socket);
  }
}

/**
 * Gives a connection an id and makes it what grpc-js takes for the peer of its calls. Addresses would not do: they are
 * used again, and on a listener for several addresses even at the same time.
 */
function nameConnection(socket: Socket): { readonly id: string; readonly peer: string } {
  const { remoteAddress, remotePort } = socket;
  connectionsSoFar += 1;
  const peer = remoteAddress === undefined ? "unix" : `${remoteAddress}:${String(remotePort)}`;
  const id = `${peer}#${String(connectionsSoFar)}`;
  Object.defineProperties(socket, { remoteAddress: { value: id }, remotePort: { value: undefined } });
  return { id, peer };
}

/** A name, which is `localhost` or a name of this machine, may stand for several addresses. */
async function addressesOf(host: string, shown: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    throw cannotListen(shown, error);
  }
}

function cannotListen(address: string, cause: unknown): SecretError {
  const isTaken = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
  const why = isTaken ? "it is in use; stop what listens there or choose another" : "the system refused it";
  return new SecretError("CONFIG_INVALID", `cannot listen on ${address}: ${why}`, { cause });
}
