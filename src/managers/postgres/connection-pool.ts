import type { SecretError } from "../../domain/secret-error.js";
import type { PostgresConnection } from "./postgres-connection.js";
import { translatePostgresFailure, unavailable } from "./postgres-failure.js";

/** How a pool opens its connections. */
export interface PoolOptions {
  readonly open: () => Promise<PostgresConnection>;
  /** What messages call the database. */
  readonly description: string;
  readonly maxConnections: number;
  /** How long to wait for a connection that is in use. */
  readonly waitMs: number;
}

interface Waiting {
  readonly give: (connection: PostgresConnection) => void;
  readonly refuse: (error: SecretError) => void;
}

/** After a failed attempt others fail the same way for this long, rather than trying too; short, as servers come back. */
const pauseMs = 20;

/** Connections that are opened when they are wanted and kept; one that was lost is replaced by the next use. */
export class ConnectionPool {
  readonly #options: PoolOptions;
  readonly #idle: PostgresConnection[] = [];
  readonly #inUse = new Set<PostgresConnection>();
  readonly #waiting = new Set<Waiting>();
  #openingCount = 0;
  #refusal: { readonly error: SecretError; readonly untilMs: number } | undefined;
  #isClosed = false;
  #onAllReturned: (() => void) | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * Works with a connection that nobody else has.
   * @throws SecretError `MANAGER_UNAVAILABLE` when there is none to be had
   */
  async use<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    const connection = await this.#acquire();
    try {
      return await work(connection);
    } finally {
      this.#release(connection);
    }
  }

  /** Closes, after what is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#inUse.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onAllReturned = resolve;
      });
    }
    await Promise.all(this.#idle.splice(0).map((connection) => connection.close()));
  }

  async #acquire(): Promise<PostgresConnection> {
    if (this.#isClosed) throw this.#closedError();
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      this.#inUse.add(idle);
      return idle;
    }
    const { maxConnections } = this.#options;
    if (this.#inUse.size + this.#openingCount < maxConnections) return await this.#open();
    return await this.#wait();
  }

  async #open(): Promise<PostgresConnection> {
    if (this.#refusal !== undefined && performance.now() < this.#refusal.untilMs) {
      throw this.#refuseAll(this.#refusal.error);
    }
    this.#openingCount += 1;
    try {
      const connection = await this.#options.open();
      this.#refusal = undefined;
      connection.onLost = () => {
        this.#forget(connection);
      };
      this.#inUse.add(connection);
      return connection;
    } catch (thrown) {
      const error = this.#whyNone(thrown);
      this.#refusal = { error, untilMs: performance.now() + pauseMs };
      throw this.#refuseAll(error);
    } finally {
      this.#openingCount -= 1;
    }
  }

  #wait(): Promise<PostgresConnection> {
    const { description, waitMs } = this.#options;
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
      };
      const waiting: Waiting = {
        give: (connection) => {
          end();
          resolve(connection);
        },
        refuse: (error) => {
          end();
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        waiting.refuse(unavailable(description, "has none of the broker's connections free"));
      }, waitMs);
      this.#waiting.add(waiting);
    });
  }

  #release(connection: PostgresConnection): void {
    const [next] = this.#waiting;
    if (next !== undefined && !connection.isLost) {
      next.give(connection);
      return;
    }
    this.#inUse.delete(connection);
    if (!connection.isLost) this.#idle.push(connection);
    else if (next !== undefined) this.#replace();
    if (this.#inUse.size === 0) this.#onAllReturned?.();
  }

  /** Opens a connection for whoever waits. */
  #replace(): void {
    this.#open().then(
      (connection) => {
        this.#release(connection);
      },
      // Told to all who wait.
      () => undefined,
    );
  }

  /** Nobody else may come to give a connection back, so nobody waits for that. */
  #refuseAll(error: SecretError): SecretError {
    for (const { refuse } of this.#waiting) refuse(error);
    return error;
  }

  #whyNone(thrown: unknown): SecretError {
    const { description } = this.#options;
    const error = translatePostgresFailure(thrown, description);
    // The configuration was right when the database was opened.
    return error.reason === "CONFIG_INVALID"
      ? unavailable(description, "cannot be reached as configured", error)
      : error;
  }

  #forget(connection: PostgresConnection): void {
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  #closedError(): SecretError {
    return unavailable(this.#options.description, "is closed");
  }
}
