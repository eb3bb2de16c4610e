import type { Awaitable } from "../../contract/secret-manager.js";
import type { SqlDatabase, SqlSession, SqlTransaction } from "../../store/sql-database.js";
import { ChangeListener } from "./change-listener.js";
import { ConnectionPool } from "./connection-pool.js";
import { migratePostgres } from "./migrate-postgres.js";
import { openSession, type SessionOptions } from "./open-session.js";
import { endsConnection, translateOpeningFailure, translatePostgresFailure, unavailable } from "./postgres-failure.js";
import type { PostgresConnection } from "./postgres-connection.js";
import { type PostgresOptions, settingsOf } from "./postgres-options.js";
import { describeServer } from "./postgres-server.js";
import { ReadSession } from "./read-session.js";
import { WriteQueue } from "./write-queue.js";

const connectionWasDead: unique symbol = Symbol("the connection was dead");

/** Work on the whole schema, such as migrations, may take this long. */
const maintenanceTimeoutMs = 600_000;

/** Tables that destroyed payloads were in. */
const purgeSql = "VACUUM (SKIP_LOCKED) versions, generations, answered_requests";

/**
 * A schema in a PostgreSQL database, for any number of brokers at once. It comes back by itself when the server does.
 * Works that arrive together share transactions on a few connections; reads have connections of their own and wait for
 * no writer.
 */
export class PostgresDatabase implements SqlDatabase {
  readonly description: string;
  readonly generationsKey = ["uid"] as const;
  readonly #session: SessionOptions;
  readonly #readers: ConnectionPool;
  readonly #writers: ConnectionPool;
  readonly #queue: WriteQueue;
  readonly #changes: ChangeListener;
  /** Connections that have been used to read. */
  readonly #used = new WeakSet<PostgresConnection>();
  /** Resolves with the purge that has not begun yet, which serves whoever asks until it does. */
  #nextPurge: Promise<void> | undefined;
  #purging: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** Opens nothing yet; the schema must be up to date. */
  constructor(session: SessionOptions, description: string) {
    const { schema, maxConnections, statementTimeoutMs: waitMs, pollIntervalMs } = session.settings;
    this.description = description;
    this.#session = session;
    const maxGroups = maxConnections < 4 ? 1 : 2;
    const open = (): ReturnType<typeof openSession> => openSession(session);
    const pool = { open, description, waitMs };
    this.#writers = new ConnectionPool({ ...pool, maxConnections: maxGroups });
    this.#readers = new ConnectionPool({ ...pool, maxConnections: maxConnections - maxGroups });
    this.#queue = new WriteQueue({ pool: this.#writers, description, schema, maxGroups });
    this.#changes = new ChangeListener({
      open: (onNotification) => openSession({ ...session, onNotification }),
      channel: schema,
      pollIntervalMs,
    });
  }

  /** {@inheritDoc SqlDatabase.transact} */
  async transact<T>(work: (transaction: SqlTransaction) => Awaitable<T>): Promise<T> {
    this.#assertOpen();
    return await this.#queue.submit(work);
  }

  /** {@inheritDoc SqlDatabase.read} */
  async read<T>(work: (session: SqlSession) => Awaitable<T>): Promise<T> {
    this.#assertOpen();
    for (;;) {
      const read = await this.#readOnce(work);
      if (read !== connectionWasDead) return read;
    }
  }

  /**
   * A connection that was idle may have been dead before it was used, and nobody has seen anything of such a read. Each is
   * thrown away, so that in the end one is opened, or cannot be.
   */
  #readOnce<T>(work: (session: SqlSession) => Awaitable<T>): Promise<T | typeof connectionWasDead> {
    return new Promise((resolve, reject) => {
      this.#readers
        .use(async (connection) => {
          const wasIdle = this.#used.has(connection);
          this.#used.add(connection);
          const session = new ReadSession(connection, this.description);
          try {
            resolve(await work(session));
          } catch (thrown) {
            const error = translatePostgresFailure(thrown, this.description);
            if (!wasIdle || session.hasAnswered || !endsConnection(error)) {
              reject(error);
            } else {
              connection.destroy();
              resolve(connectionWasDead);
            }
          }
          // Whoever reads does not wait for the end of the transaction.
          await session.end();
        })
        .catch(reject);
    });
  }

  /** {@inheritDoc SqlDatabase.onChange} */
  onChange(listener: () => void): () => void {
    this.#assertOpen();
    return this.#changes.add(listener);
  }

  /** {@inheritDoc SqlDatabase.isHealthy} */
  async isHealthy(): Promise<boolean> {
    try {
      // A database on a full disk, or one that is being moved, is often made read-only.
      const sql = "SELECT current_setting('default_transaction_read_only') AS is_read_only";
      const [row] = await this.#readers.use((connection) => connection.all(sql));
      return row?.["is_read_only"] === "off";
    } catch {
      return false;
    }
  }

  /**
   * Removes destroyed rows from the tables, so that their space is used again. PostgreSQL keeps their bytes until then,
   * and in its log and its backups, where they stay as encrypted as they were.
   */
  purge(): Promise<void> {
    this.#nextPurge ??= this.#purging.then(async () => {
      this.#nextPurge = undefined;
      await (this.#purging = this.#purgeNow());
    });
    return this.#nextPurge;
  }

  /** {@inheritDoc SqlDatabase.close} */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#changes.close();
    await this.#queue.drain();
    await this.#purging;
    await Promise.all([this.#writers.close(), this.#readers.close()]);
  }

  async #purgeNow(): Promise<void> {
    try {
      const connection = await openSession(forMaintenance(this.#session));
      await connection.script(purgeSql).finally(() => connection.close());
    } catch {
      // The server's own autovacuum does the same a little later.
    }
  }

  #assertOpen(): void {
    if (this.#isClosed) throw unavailable(this.description, "is closed");
  }
}

/**
 * Opens a database and brings its schema up to date.
 * @throws SecretError `CONFIG_INVALID`, `MANAGER_UNAVAILABLE`; nothing has been changed then
 */
export async function openPostgresDatabase(options: PostgresOptions): Promise<PostgresDatabase> {
  const settings = settingsOf(options);
  const description = describeServer(await settings.resolveServer());
  // Loaded only here, as most brokers have no use for it.
  const { default: driver } = await import("postgres");
  const session: SessionOptions = { driver, settings };
  try {
    const connection = await openSession(forMaintenance(session));
    await migratePostgres(connection, { schema: settings.schema, description }).finally(() => connection.close());
  } catch (error) {
    throw translateOpeningFailure(error, description);
  }
  return new PostgresDatabase(session, description);
}

function forMaintenance({ driver, settings }: SessionOptions): SessionOptions {
  const timeouts = { statementTimeoutMs: maintenanceTimeoutMs, lockTimeoutMs: maintenanceTimeoutMs };
  return { driver, settings: { ...settings, ...timeouts } };
}
