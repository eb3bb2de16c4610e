import type { Socket } from "node:net";
import type { Log } from "../log/log.js";

/** Bounds of connections, over all listeners. */
export interface ConnectionLimits {
  readonly maxConnections: number;
  /** For the TLS handshake and the beginning of HTTP/2 together. */
  readonly handshakeTimeoutMs: number;
  /** After so long without a call a connection is closed. */
  readonly idleTimeoutMs: number;
  /** How often a client is asked whether it is still there, and how long it may take to answer. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
}

/** A connection's place among those that are let in. */
export interface Admission {
  /** The handshake is done: the place is its own until it closes. */
  establish(): void;
}

/** How often the log says that connections are refused. */
const reportMs = 60_000;

/**
 * Counts connections and gives those that do not get to speak HTTP/2 a short time. When all places are taken, the one
 * that has taken longest to begin has to go: a flood of connections that say nothing makes way for one that does.
 */
export class ConnectionGate {
  readonly #limits: ConnectionLimits;
  readonly #log: Log;
  readonly #open = new Set<Socket>();
  /** Those still in their handshake, the oldest first. */
  readonly #beginning = new Set<Socket>();
  #onEmpty: (() => void) | undefined;
  #refusals = 0;
  #reportedMs = -Infinity;

  constructor(limits: ConnectionLimits, log: Log) {
    this.#limits = limits;
    this.#log = log;
  }

  /** How many connections are open, those in their handshake too. */
  get size(): number {
    return this.#open.size;
  }

  /** Lets a new connection in, or destroys it: undefined then. */
  enter(socket: Socket): Admission | undefined {
    // What goes wrong with a socket ends it, and nobody waits to hear of it.
    socket.on("error", ignore);
    if (this.#open.size >= this.#limits.maxConnections && !this.#makeRoom()) {
      socket.destroy();
      return undefined;
    }
    this.#open.add(socket);
    this.#beginning.add(socket);
    const timer = setTimeout(() => socket.destroy(), this.#limits.handshakeTimeoutMs).unref();
    const settle = (): void => {
      clearTimeout(timer);
      this.#beginning.delete(socket);
    };
    socket.once("close", () => {
      settle();
      this.#open.delete(socket);
      if (this.#open.size === 0) this.#onEmpty?.();
    });
    return { establish: settle };
  }

  /** Ends those that are still in their handshake. */
  refuseBeginners(): void {
    for (const socket of this.#beginning) socket.destroy();
  }

  /** Resolves once no connection is open; for one who waits. */
  untilEmpty(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
      if (this.#open.size === 0) resolve();
    });
  }

  /** Ends every connection. */
  close(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #makeRoom(): boolean {
    this.#report();
    const [oldest] = this.#beginning;
    if (oldest === undefined) return false;
    // Its place is free at once; what is left of it closes by itself.
    this.#beginning.delete(oldest);
    this.#open.delete(oldest);
    oldest.destroy();
    return true;
  }

  #report(): void {
    this.#refusals += 1;
    const nowMs = performance.now();
    if (nowMs - this.#reportedMs < reportMs) return;
    this.#log.warn(
      { maxConnections: this.#limits.maxConnections, refused: this.#refusals },
      "all connections that limits.max_connections allows are taken; connections are refused",
    );
    this.#reportedMs = nowMs;
    this.#refusals = 0;
  }
}

function ignore(): void {
  // On purpose.
}
