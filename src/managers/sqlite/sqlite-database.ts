import { closeSync, mkdirSync, openSync, readSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { SecretError } from "../../domain/secret-error.js";
import type { SqlDatabase, SqlRow, SqlSession, SqlTransaction, SqlValue } from "../../store/sql-database.js";
import { migrateSqlite } from "./migrate-sqlite.js";
import { SqliteConnection } from "./sqlite-connection.js";
import { translateSqliteFailure } from "./sqlite-failure.js";
import { StoreLock } from "./store-lock.js";

/** Only the broker's own user reads the store. */
const fileMode = 0o600;
const directoryMode = 0o700;

/** How many works share a commit at most. */
const maxGroup = 256;

interface Waiting {
  /** Does the work within a savepoint; resolves to what tells its caller once the commit is made. */
  readonly perform: () => Promise<(committed: unknown) => void>;
  readonly reject: (error: unknown) => void;
}

/**
 * A database in one file, for one process. Works that arrive together share a transaction and its one write to the
 * disk; each has a savepoint, so that one that fails is undone alone. Reads see the newest commit through connections
 * of their own and wait for no writer.
 */
export class SqliteDatabase implements SqlDatabase {
  readonly description: string;
  readonly #lock: StoreLock;
  readonly #writer: SqliteConnection;
  readonly #reader: SqliteConnection;
  readonly #listeners = new Set<() => void>();
  #queue: Waiting[] = [];
  #flushing: Promise<void> | undefined;
  /** Reads of more than one statement, one after the other. */
  #reading: Promise<unknown> = Promise.resolve();
  #closed = false;

  /**
   * Opens the file; it and its directory are made when they are missing.
   * @throws SecretError `CONFIG_INVALID`, `MANAGER_UNAVAILABLE`, `PAYLOAD_CORRUPT`; nothing has been changed then
   */
  constructor(path: string) {
    this.description = path;
    prepareFile(path);
    this.#lock = translating(path, () => new StoreLock(path));
    try {
      assertWhole(path);
      this.#writer = translating(path, () => openWriter(path));
      this.#reader = translating(path, () => new SqliteConnection(path, { readOnly: true }));
    } catch (error) {
      this.#lock.release();
      throw error;
    }
  }

  /** {@inheritDoc SqlDatabase.transact} */
  transact<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) {
        reject(closedError());
        return;
      }
      const perform = async (): Promise<() => void> => {
        const result = await work(this.#transaction);
        return () => {
          resolve(result);
        };
      };
      this.#queue.push({ perform, reject });
      this.#flushing ??= this.#flush();
    });
  }

  /** {@inheritDoc SqlDatabase.read} */
  async read<T>(work: (session: SqlSession) => T | PromiseLike<T>): Promise<T> {
    const turn = this.#reading.then(() => this.#readNow(work));
    this.#reading = turn.catch(() => undefined);
    return await turn;
  }

  /** {@inheritDoc SqlDatabase.onChange} */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** {@inheritDoc SqlDatabase.isHealthy} */
  async isHealthy(): Promise<boolean> {
    if (this.#closed) return false;
    // A disk that can only be read shows in a write alone.
    return await this.transact((transaction) =>
      Promise.resolve(transaction.run("UPDATE store SET revision = revision WHERE id = 1")),
    ).then(
      () => true,
      () => false,
    );
  }

  /** {@inheritDoc SqlDatabase.purge} */
  async purge(): Promise<void> {
    await this.#flushing;
    // Deleted content is overwritten by secure_delete; what remains is the log of the writes, which this empties.
    translating(this.description, () => {
      this.#writer.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    });
  }

  /** {@inheritDoc SqlDatabase.close} */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#flushing;
    await this.#reading;
    this.#reader.close();
    this.#writer.close();
    this.#lock.release();
  }

  readonly #transaction: SqlTransaction = {
    all: (sql: string, parameters?: readonly SqlValue[]): readonly SqlRow[] => this.#writer.all(sql, parameters),
    run: (sql: string, parameters?: readonly SqlValue[]): number => this.#writer.run(sql, parameters),
    // There is one writer, and it does one work after the other.
    lockNames: () => undefined,
  };

  async #readNow<T>(work: (session: SqlSession) => T | PromiseLike<T>): Promise<T> {
    if (this.#closed) throw closedError();
    try {
      this.#reader.execute("BEGIN");
      try {
        return await work(this.#reader);
      } finally {
        this.#reader.execute("COMMIT");
      }
    } catch (error) {
      throw translateSqliteFailure(error, this.description);
    }
  }

  async #flush(): Promise<void> {
    // Works of the same turn go together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      const group = this.#queue.splice(0, maxGroup);
      await this.#commit(group);
    }
    this.#flushing = undefined;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    const acknowledge: (() => void)[] = [];
    try {
      this.#writer.execute("BEGIN IMMEDIATE");
      for (const waiting of group) {
        const done = await this.#perform(waiting);
        if (done !== undefined) acknowledge.push(done as () => void);
      }
      this.#writer.execute("COMMIT");
    } catch (error) {
      this.#rollBack();
      const failure = translateSqliteFailure(error, this.description);
      for (const { reject } of group) reject(failure);
      return;
    }
    for (const done of acknowledge) done();
    for (const listener of this.#listeners) listener();
  }

  /** One work of a group; undefined when it failed and was undone. Throws when not even that could be done. */
  async #perform({ perform, reject }: Waiting): Promise<((committed: unknown) => void) | undefined> {
    this.#writer.execute("SAVEPOINT work");
    try {
      const done = await perform();
      this.#writer.execute("RELEASE work");
      return done;
    } catch (error) {
      this.#writer.execute("ROLLBACK TO work; RELEASE work");
      reject(translateSqliteFailure(error, this.description));
      return undefined;
    }
  }

  #rollBack(): void {
    try {
      this.#writer.execute("ROLLBACK");
    } catch {
      // A full disk makes SQLite roll back by itself, and then there is nothing left to do.
    }
  }
}

function openWriter(path: string): SqliteConnection {
  const writer = new SqliteConnection(path, { readOnly: false });
  try {
    // Acknowledged is on the disk; deleted is overwritten.
    writer.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON");
    writer.execute("PRAGMA wal_autocheckpoint = 1000; PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY");
    migrateSqlite(writer, path);
    return writer;
  } catch (error) {
    writer.close();
    throw error;
  }
}

/** The file is made before SQLite makes it, which would let others read it; its log and index follow its mode. */
function prepareFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: directoryMode });
    for (const file of [path, `${path}.lock`]) closeSync(openSync(file, "a", fileMode));
  } catch (cause) {
    throw new SecretError("CONFIG_INVALID", `the store ${path} cannot be opened; check its directory's permissions`, {
      cause,
    });
  }
}

const headerBytes = 100;

/**
 * Refuses a file that is shorter than its header says. SQLite would notice when it misses a page, which may be days
 * later. See "The Database Header" in SQLite's description of its file format.
 */
function assertWhole(path: string): void {
  const { size } = statSync(path);
  // A crash may leave the file short of pages that its log still has; SQLite brings them in.
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  if (size === 0 || (log !== undefined && log.size > 0)) return;
  const header = Buffer.alloc(headerBytes);
  const fd = openSync(path, "r");
  try {
    readSync(fd, header, 0, headerBytes, 0);
  } finally {
    closeSync(fd);
  }
  const pageSize = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
  const isDatabase = header.toString("latin1", 0, 16) === "SQLite format 3\0";
  if (isDatabase && size >= headerBytes && header.readUInt32BE(28) * pageSize <= size) return;
  const what = isDatabase ? "shorter than it was" : "no SQLite database";
  throw new SecretError("PAYLOAD_CORRUPT", `the store ${path} is ${what}; bring it back from a backup`);
}

function translating<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translateSqliteFailure(error, path);
  }
}

function closedError(): SecretError {
  return new SecretError("MANAGER_UNAVAILABLE", "the store is closed");
}
