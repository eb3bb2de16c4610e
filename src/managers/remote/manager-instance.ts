import { setTimeout as delay } from "node:timers/promises";
import { SecretError } from "../../domain/secret-error.js";
import type { ManagerEndpoint } from "./manager-channel.js";
import { type ConnectionOptions, ManagerConnection } from "./manager-connection.js";
import { RestartDelay } from "./restart-delay.js";

/** Where an instance is; for a process of ours, what starts it. */
export interface EndpointSource {
  /** What messages and logs call it. */
  readonly name: string;
  /** Where to connect; starts what must run for that. @throws SecretError */
  open(signal: AbortSignal): Promise<ManagerEndpoint>;
  /** Resolves when what was opened last is over, such as a process that ended, with why; undefined where nobody knows. */
  readonly ended: Promise<SecretError> | undefined;
  /** Why the last connection came to nothing, where that is known. */
  readonly problem?: SecretError | undefined;
  /** What was opened last does not answer: the next time, another must be opened. */
  discard(): void;
  /** Ends what it has started. */
  close(): Promise<void>;
}

/** What an instance tells of itself, for the log. */
export interface InstanceEvents {
  readonly onUp: (instance: string) => void;
  readonly onDown: (instance: string, thrown: unknown) => void;
}

/** How an instance is kept. */
export interface InstanceOptions {
  readonly connection: ConnectionOptions;
  readonly events: InstanceEvents;
  /** How long an attempt to start and connect may take. */
  readonly startTimeoutMs: number;
  /** Refuses what cannot stand in for the others. @throws SecretError */
  readonly accept: (connection: ManagerConnection) => void;
}

/** Between two questions after an instance's health. */
const probeIntervalMs = 5_000;

/** What stood for so long has not failed at its start. */
const steadyMs = 10_000;

/** How many connections in a row may fail before what listens there is given up. */
const maxStrikes = 3;

/** One instance of a manager: connects, and connects again whenever the connection is lost, until it is closed. */
export class ManagerInstance {
  readonly name: string;
  readonly #source: EndpointSource;
  readonly #options: InstanceOptions;
  readonly #closing = new AbortController();
  readonly #delay = new RestartDelay({ minMs: 200, maxMs: 30_000 });
  #connection: ManagerConnection | undefined;
  #running: Promise<void> | undefined;
  #strikes = 0;

  constructor(source: EndpointSource, options: InstanceOptions) {
    this.name = source.name;
    this.#source = source;
    this.#options = options;
  }

  /** The connection, where there is one that calls can be made on. */
  get connection(): ManagerConnection | undefined {
    return this.#connection?.isOpen === true ? this.#connection : undefined;
  }

  #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Connects for the first time, and keeps the connection from then on. @throws SecretError why it could not */
  async start(): Promise<ManagerConnection> {
    const connection = await this.#connect();
    this.#running = this.#keep(connection);
    return connection;
  }

  /** Keeps trying, after a start that failed. */
  retry(): void {
    this.#running ??= this.#keep(undefined);
  }

  /** Ends everything, what it has started too. */
  async close(): Promise<void> {
    this.#closing.abort(new SecretError("MANAGER_UNAVAILABLE", "the manager is closed"));
    this.#connection?.close();
    await this.#source.close();
    await this.#running;
  }

  async #keep(first: ManagerConnection | undefined): Promise<void> {
    let connection = first;
    while (!this.#isClosing()) {
      if (connection !== undefined) await this.#useUntilLost(connection);
      if (this.#isClosing()) return;
      const { signal } = this.#closing;
      await delay(this.#delay.next(), undefined, { signal, ref: false }).catch(() => undefined);
      connection = await this.#reconnect();
    }
    connection?.close();
  }

  async #useUntilLost(connection: ManagerConnection): Promise<void> {
    const sinceMs = performance.now();
    const over = new AbortController();
    void this.#probe(connection, over.signal);
    const why = await Promise.race([connection.lost, this.#source.ended ?? connection.lost]);
    over.abort();
    connection.close();
    this.#connection = undefined;
    if (performance.now() - sinceMs >= steadyMs) this.#delay.reset();
    if (!this.#isClosing()) {
      this.#options.events.onDown(this.name, why ?? new SecretError("MANAGER_UNAVAILABLE", "the connection was lost"));
    }
  }

  async #reconnect(): Promise<ManagerConnection | undefined> {
    if (this.#isClosing()) return undefined;
    try {
      return await this.#connect();
    } catch (thrown) {
      if (!this.#isClosing()) this.#options.events.onDown(this.name, thrown);
      return undefined;
    }
  }

  async #connect(): Promise<ManagerConnection> {
    const timeout = AbortSignal.timeout(this.#options.startTimeoutMs);
    const signal = AbortSignal.any([this.#closing.signal, timeout]);
    try {
      const connection = await this.#open(signal);
      this.#strikes = 0;
      this.#connection = connection;
      this.#options.events.onUp(this.name);
      return connection;
    } catch (thrown) {
      this.#strike();
      if (timeout.aborted && thrown === timeout.reason) {
        // A process that has not come up in all that time will not.
        this.#source.discard();
        throw this.#tooSlow();
      }
      throw thrown;
    }
  }

  async #open(signal: AbortSignal): Promise<ManagerConnection> {
    const endpoint = await this.#source.open(signal);
    const gaveUp = new AbortController();
    void this.#source.ended?.then((why) => {
      gaveUp.abort(why);
    });
    const both = AbortSignal.any([signal, gaveUp.signal]);
    const connection = await ManagerConnection.open(endpoint, this.#options.connection, both);
    try {
      this.#options.accept(connection);
    } catch (thrown) {
      connection.close();
      throw thrown;
    }
    return connection;
  }

  #strike(): void {
    this.#strikes += 1;
    if (this.#strikes < maxStrikes) return;
    this.#strikes = 0;
    this.#source.discard();
  }

  async #probe(connection: ManagerConnection, signal: AbortSignal): Promise<void> {
    const isOver = (): boolean => signal.aborted;
    for (;;) {
      await delay(probeIntervalMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (isOver()) return;
      await connection.probe(signal);
      if (!connection.isDead) continue;
      // It hangs: whoever waits is told now, and a process of ours is started anew.
      this.#source.discard();
      connection.close();
    }
  }

  #tooSlow(): SecretError {
    const seconds = String(this.#options.startTimeoutMs / 1_000);
    const { problem } = this.#source;
    const why = problem === undefined ? "" : `: ${problem.message}`;
    return new SecretError("CONFIG_INVALID", `${this.name} could not be asked within ${seconds} seconds${why}`);
  }
}
