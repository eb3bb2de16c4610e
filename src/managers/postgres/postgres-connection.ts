import type { Socket } from "node:net";
import type postgres from "postgres";
import type { SqlRow, SqlValue } from "../../store/sql-database.js";
import { numberParameters } from "./numbered-parameters.js";
import { openSocket, tlsOption } from "./open-socket.js";
import { unavailable } from "./postgres-failure.js";
import type { PostgresHost, PostgresServer } from "./postgres-server.js";

/** The library `postgres`, loaded only where a database is opened. */
export type PostgresDriver = typeof postgres;

/** How a connection is opened and watched. */
export interface ConnectionOptions {
  readonly driver: PostgresDriver;
  readonly server: PostgresServer;
  readonly host: PostgresHost;
  /** What messages call the database. */
  readonly description: string;
  readonly connectTimeoutMs: number;
  /** After this time without an answer the way to the server counts as broken. */
  readonly answerTimeoutMs: number;
  /** Called with each announcement's text. */
  readonly onNotification?: ((text: string) => void) | undefined;
}

/** Types of columns as the driver is told of them. */
interface DriverTypes extends Record<string, postgres.PostgresType<number>> {
  readonly integer: postgres.PostgresType<number>;
  readonly truth: postgres.PostgresType<number>;
}

/** PostgreSQL's numbers for its types. */
const int8 = 20;
const numeric = 1700;
const bool = 16;

const keepAliveSeconds = 10;

/**
 * One connection: a session of the server that ends with its socket. The driver would open another in its place, in
 * the middle of a transaction too; here it never does, since the socket can be had only once.
 */
export class PostgresConnection {
  readonly #client: ReturnType<typeof postgres<DriverTypes>>;
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  #isLost = false;
  #hasUnsafeNumber = false;
  #onLost: (() => void) | undefined;
  /** What fails when the connection is lost. */
  readonly #unanswered = new Set<(error: Error) => void>();

  private constructor(options: ConnectionOptions, socket: Socket, tls: Awaited<ReturnType<typeof tlsOption>>) {
    this.#options = options;
    this.#socket = socket;
    this.#client = options.driver<DriverTypes>(this.#driverOptions(tls));
    socket.once("close", () => {
      this.#lose();
    });
  }

  /** Opens a connection. @throws Error the driver's, the system's or `SecretError` */
  static async open(options: ConnectionOptions): Promise<PostgresConnection> {
    const tls = await tlsOption(options.server, options.host);
    const socket = await openSocket(options.host, options.connectTimeoutMs);
    const connection = new PostgresConnection(options, socket, tls);
    try {
      // The first statement makes the driver log in.
      await connection.#answer(connection.#client.unsafe("SELECT 1"), options.connectTimeoutMs);
      // The driver listens to what it has put around the socket to encrypt, and no longer to the socket.
      socket.on("error", () => undefined);
      return connection;
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  /** Whether it is over; every statement fails from then on. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Who is told, once, when it is over. */
  set onLost(listener: () => void) {
    this.#onLost = listener;
  }

  /** Gives the rows of one statement. @throws Error the driver's or `SecretError` */
  async all(sql: string, parameters: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    return await this.#run(sql, parameters);
  }

  /** Runs one statement and tells how many rows it changed. @throws Error the driver's or `SecretError` */
  async run(sql: string, parameters: readonly SqlValue[] = []): Promise<number> {
    return (await this.#run(sql, parameters)).count;
  }

  /** Runs statements in one go and tells what the last one did. @throws Error the driver's or `SecretError` */
  async script(sql: string): Promise<string> {
    this.#assertUsable();
    return (await this.#answer(this.#client.unsafe(sql).simple())).command;
  }

  /** Ends the session in order. */
  async close(): Promise<void> {
    if (this.#isLost) return;
    this.#isLost = true;
    await this.#client.end({ timeout: 1 });
    this.#lose();
  }

  /** Ends the connection now; what is under way fails. */
  destroy(): void {
    // Not by the driver, which would still write to the socket and leave the failure of that to nobody.
    this.#lose();
  }

  // The driver's type of a result is its own, so this one has none.
  async #run(sql: string, parameters: readonly SqlValue[]): Promise<readonly SqlRow[] & { readonly count: number }> {
    this.#assertUsable();
    const query = this.#client.unsafe<SqlRow[]>(numberParameters(sql), [...parameters], prepared);
    const rows = await this.#answer(query);
    if (this.#hasUnsafeNumber) {
      this.#hasUnsafeNumber = false;
      throw unavailable(this.#options.description, "gave a number beyond 2^53");
    }
    return rows;
  }

  #assertUsable(): void {
    if (this.#isLost) throw connectionLost();
  }

  /**
   * What the server answers. A server that is silent for too long is not waited for any longer, and the driver, which
   * keeps what it has not sent when a connection is lost, is not either.
   */
  #answer<T>(query: PromiseLike<T>, timeoutMs: number = this.#options.answerTimeoutMs): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.destroy();
      }, timeoutMs);
      const end = (): void => {
        clearTimeout(timer);
        this.#unanswered.delete(reject);
      };
      this.#unanswered.add(reject);
      query.then(
        (answer) => {
          end();
          resolve(answer);
        },
        (error: unknown) => {
          end();
          // The driver's, the system's and the server's errors are all of this kind.
          reject(error instanceof Error ? error : connectionLost());
        },
      );
    });
  }

  #lose(): void {
    this.#isLost = true;
    this.#socket.destroy();
    for (const reject of this.#unanswered) reject(connectionLost());
    this.#unanswered.clear();
    this.#onLost?.();
    this.#onLost = undefined;
  }

  #driverOptions(tls: Awaited<ReturnType<typeof tlsOption>>): postgres.Options<DriverTypes> {
    const { server, host, onNotification } = this.#options;
    let isTaken = false;
    const options = {
      host: host.host,
      port: host.port,
      database: server.database,
      user: server.user,
      password: () => server.password ?? "",
      ssl: tls,
      max: 1,
      prepare: true,
      fetch_types: false,
      debug: false,
      // Timers are ours: the driver's would end a connection that is in use.
      idle_timeout: 0,
      max_lifetime: null,
      connect_timeout: 0,
      backoff: false,
      keep_alive: keepAliveSeconds,
      connection: { application_name: server.applicationName ?? "secret-broker" },
      types: this.#types(),
      onnotice: () => undefined,
      onclose: () => {
        this.#lose();
      },
      onnotify: (_: string, text: string) => onNotification?.(text),
      // Left out of the driver's types.
      socket: () => {
        if (isTaken || this.#socket.destroyed) throw connectionLost();
        isTaken = true;
        return this.#socket;
      },
    };
    return options;
  }

  #types(): DriverTypes {
    const parse = (text: string): number => {
      const value = Number(text);
      // Not thrown from here, where the driver is in the middle of a message.
      if (!Number.isSafeInteger(value)) this.#hasUnsafeNumber = true;
      return value;
    };
    return {
      // A sum of whole numbers is numeric.
      integer: { to: int8, from: [int8, numeric], serialize: String, parse },
      // As in SQLite, where a comparison gives a number.
      truth: { to: bool, from: [bool], serialize: String, parse: (text: string) => (text === "t" ? 1 : 0) },
    };
  }
}

const prepared = { prepare: true, simple: false };

function connectionLost(): Error {
  return Object.assign(new Error("the connection is lost"), { code: "ECONNRESET" });
}
