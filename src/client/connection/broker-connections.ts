import type { BrokerAddress } from "../broker-address.js";
import { BrokerConnection, type ConnectWait } from "./broker-connection.js";
import { SocketReferences } from "./socket-references.js";
import type { TlsMaterial } from "./tls-material.js";

/** How long one of several brokers has to accept a connection before the next is tried, in milliseconds. */
const connectTimeoutMs = 2_000;

/**
 * The connections to brokers that serve the same secrets. One is used until it fails; then the next in order, and after
 * the last the first.
 */
export class BrokerConnections {
  readonly references: SocketReferences = new SocketReferences();
  readonly #connections: readonly BrokerConnection[];
  #current = 0;

  constructor(addresses: readonly BrokerAddress[], tls: TlsMaterial | undefined) {
    const parts = { tls, references: this.references };
    this.#connections = addresses.map((address) => new BrokerConnection(address, parts));
  }

  /** How many brokers there are. */
  get size(): number {
    return this.#connections.length;
  }

  /**
   * The connection for a call: the one in use, or the first after it that can be reached. Where none can it is the one
   * in use, through which a call fails and says why.
   */
  pick(deadlineMs: number): BrokerConnection | Promise<BrokerConnection> {
    const first = this.#at(this.#current);
    return this.size === 1 || first.isReady ? first : this.#pickReachable(deadlineMs);
  }

  /**
   * The same, once it is connected or known not to be, or the time is over: until a stream is on its way gRPC keeps the
   * process alive for it.
   */
  async reach(deadlineMs: number, wait: ConnectWait): Promise<BrokerConnection> {
    if (this.size > 1) return await this.#pickReachable(deadlineMs, wait);
    const only = this.#at(this.#current);
    await only.connect(deadlineMs, wait);
    return only;
  }

  async #pickReachable(deadlineMs: number, wait: ConnectWait = {}): Promise<BrokerConnection> {
    for (let tried = 0; tried < this.size && Date.now() < deadlineMs; tried += 1) {
      const connection = this.#at(this.#current);
      const untilMs = Math.min(deadlineMs, Date.now() + connectTimeoutMs);
      if (await connection.connect(untilMs, wait)) return connection;
      if (wait.signal?.aborted === true) break;
      this.avoid(connection);
    }
    return this.#at(this.#current);
  }

  /** Another one than this where there is one, connected or not; for a second question beside the first. */
  besides(connection: BrokerConnection): BrokerConnection {
    const index = this.#connections.indexOf(connection);
    return this.#at((index + 1) % this.size);
  }

  /** Uses the next one from now on, if this is the one in use. */
  avoid(connection: BrokerConnection): void {
    if (this.#at(this.#current) === connection) this.#current = (this.#current + 1) % this.size;
  }

  /** Closes all of them. */
  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  #at(index: number): BrokerConnection {
    const connection = this.#connections[index];
    if (connection === undefined) throw new RangeError("there is no connection with that index");
    return connection;
  }
}
