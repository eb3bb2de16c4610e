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
  /** Does the work; resolves to what tells its caller once the commit is made. May be done again. */
  readonly perform: () => Promise<() => void>;
  readonly reject: (error: unknown) => void;
}

/**
 * A database in one file, for one process. Works that arrive together share a transaction and its one write to the
 * disk; one that fails is undone alone. Reads see the newest commit through connections
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
  /** Counts statements that change something. */
  #changes = 0;

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
    run: (sql: string, parameters?: readonly SqlValue[]): number => {
      this.#changes += 1;
      return this.#writer.run(sql, parameters);
    },
    // There is one writer, and it does one work after the other.
    lockNames: () => undefined,
  };

  async #readNow<T>(work: (session: SqlSession) => T | PromiseLike<T>): Promise<T> {
    if (this.#closed) throw closedError();
    try {
      this.#reader.run("BEGIN");
      try {
        return await work(this.#reader);
      } finally {
        this.#reader.run("COMMIT");
      }
    } catch (error) {
      throw translateSqliteFailure(error, this.description);
    }
  }

  async #flush(): Promise<void> {
    do {
      // Works of the same turn go together; those who were just answered may have the next at hand.
      await new Promise((resolve) => setImmediate(resolve));
      await this.#commit(this.#queue.splice(0, maxGroup));
    } while (this.#queue.length > 0);
    this.#flushing = undefined;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    let answers: readonly (() => void)[];
    try {
      this.#writer.run("BEGIN IMMEDIATE");
      answers = (await this.#performAll(group)) ?? (await this.#performApart(group));
      this.#writer.run("COMMIT");
    } catch (error) {
      this.#rollBack();
      const failure = translateSqliteFailure(error, this.description);
      for (const { reject } of group) reject(failure);
      return;
    }
    for (const answer of answers) answer();
    for (const listener of this.#listeners) listener();
  }

  /**
   * Does the works of a group one after the other; gives what tells their callers, which waits for the commit, as a
   * refusal may rest on what another work has just changed. One that fails before it has changed anything, as one whose
   * precondition does not hold, fails alone; undefined, and all undone, when one fails later.
   */
  async #performAll(group: readonly Waiting[]): Promise<readonly (() => void)[] | undefined> {
    const answers: (() => void)[] = [];
    for (const waiting of group) {
      const changesBefore = this.#changes;
      try {
        answers.push(await waiting.perform());
      } catch (error) {
        if (this.#changes !== changesBefore) {
          this.#writer.run("ROLLBACK");
          this.#writer.run("BEGIN IMMEDIATE");
          return undefined;
        }
        answers.push(this.#refusal(waiting, error));
      }
    }
    return answers;
  }

  /** The same with a savepoint for each, so that one that fails is undone alone. */
  async #performApart(group: readonly Waiting[]): Promise<readonly (() => void)[]> {
    const answers: (() => void)[] = [];
    for (const waiting of group) {
      this.#writer.run("SAVEPOINT work");
      try {
        answers.push(await waiting.perform());
      } catch (error) {
        this.#writer.run("ROLLBACK TO work");
        answers.push(this.#refusal(waiting, error));
      }
      this.#writer.run("RELEASE work");
    }
    return answers;
  }

  #refusal({ reject }: Waiting, error: unknown): () => void {
    return () => {
      reject(translateSqliteFailure(error, this.description));
    };
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
