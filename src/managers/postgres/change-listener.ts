import { setTimeout as delay } from "node:timers/promises";
import type { PostgresConnection } from "./postgres-connection.js";

/** What changes are heard through. */
export interface ChangeListenerOptions {
  /** Opens a connection of the listener's own. */
  readonly open: (onNotification: () => void) => Promise<PostgresConnection>;
  readonly channel: string;
  /** How often listeners are called anyway, and the connection is tried. */
  readonly pollIntervalMs: number;
}

/** How long to wait before the next attempt to connect. */
const pauseMs = 500;

/**
 * Calls back when something may have changed: when it is announced, whenever announcements may have been missed, and
 * now and then anyway. Connected while there is somebody to call.
 */
export class ChangeListener {
  readonly #options: ChangeListenerOptions;
  readonly #listeners = new Set<() => void>();
  #listening: AbortController | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(options: ChangeListenerOptions) {
    this.#options = options;
  }

  /** Adds a listener; returns its end. */
  add(listener: () => void): () => void {
    // The same function may be added twice, and each is ended alone.
    const own = (): void => {
      listener();
    };
    this.#listeners.add(own);
    this.#listening ??= this.#start();
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size === 0) this.#stop();
    };
  }

  /** Ends; nobody is called any more. */
  async close(): Promise<void> {
    this.#listeners.clear();
    this.#stop();
    await this.#ended;
  }

  #start(): AbortController {
    const listening = new AbortController();
    this.#ended = Promise.all([this.#ended, this.#listen(listening.signal), this.#poll(listening.signal)]);
    return listening;
  }

  #stop(): void {
    this.#listening?.abort();
    this.#listening = undefined;
  }

  readonly #tell = (): void => {
    for (const listener of this.#listeners) listener();
  };

  /** Independent of the connection, as there may be none to be had. */
  async #poll(signal: AbortSignal): Promise<void> {
    while (await pause(this.#options.pollIntervalMs, signal)) this.#tell();
  }

  async #listen(signal: AbortSignal): Promise<void> {
    do {
      try {
        await this.#listenOnce(signal);
      } catch {
        // The database is away; what happens meanwhile is found when it is back.
      }
    } while (await pause(pauseMs, signal));
  }

  async #listenOnce(signal: AbortSignal): Promise<void> {
    const connection = await this.#options.open(this.#tell);
    const lost = new AbortController();
    const end = (): void => {
      lost.abort();
    };
    connection.onLost = end;
    signal.addEventListener("abort", end);
    try {
      await connection.script(`LISTEN "${this.#options.channel}"`);
      this.#tell();
      // A connection can be dead without a sign of it; a silent one is tried.
      while (!signal.aborted && !connection.isLost && (await pause(this.#options.pollIntervalMs, lost.signal))) {
        await connection.script("SELECT 1");
      }
    } finally {
      signal.removeEventListener("abort", end);
      connection.destroy();
    }
  }
}

/** Whether the time passed without an abort. */
async function pause(timeMs: number, signal: AbortSignal): Promise<boolean> {
  return await delay(timeMs, true, { signal, ref: false }).catch(() => false);
}
