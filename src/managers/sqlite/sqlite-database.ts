import type { Awaitable } from "../../contract/secret-manager.js";
import { SecretError } from "../../domain/secret-error.js";
import { andThen, isPending } from "../../store/awaitable.js";
import type { SqlDatabase, SqlRow, SqlSession, SqlTransaction, SqlValue } from "../../store/sql-database.js";
import { migrateSqlite, type MigrateOptions } from "./migrate-sqlite.js";
import { OpenFiles } from "./open-files.js";
import type { ProcessLock } from "./process-lock.js";
import { SqliteConnection } from "./sqlite-connection.js";
import { translateSqliteFailure } from "./sqlite-failure.js";
import { assertThere, assertWhole, lockStore, prepareFile } from "./store-file.js";

/** How many works share a commit at most. */
const maxGroup = 256;

/** How a file is opened. */
export interface SqliteOptions {
  /**
   * Whether another process may have the store: the file must be there with an up-to-date schema, and payloads must not
   * be changed, as that process remembers them.
   */
  readonly isGuest?: boolean | undefined;
}

interface Waiting {
  /** Does the work; gives what tells its caller once the commit is made. May be done again. */
  readonly perform: () => Awaitable<() => void>;
  readonly reject: (error: unknown) => void;
}

/**
 * A database in one file, for one process. Works that arrive together share a transaction and its one write to the
 * disk; one that fails is undone alone. Reads see the newest commit through connections
 * of their own and wait for no writer.
 */
export class SqliteDatabase implements SqlDatabase {
  readonly description: string;
  readonly generationsKey = ["sort_key", "uid"] as const;
  /** A guest has none. */
  readonly #lock: ProcessLock | undefined;
  readonly #writer: SqliteConnection;
  readonly #reader: SqliteConnection;
  readonly #files: OpenFiles;
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
  constructor(path: string, { isGuest = false }: SqliteOptions = {}) {
    this.description = path;
    if (isGuest) assertThere(path);
    else prepareFile(path);
    this.#lock = isGuest ? undefined : lockStore(path);
    try {
      assertWhole(path);
      this.#writer = translating(path, () => openWriter(path, { mayMigrate: !isGuest }));
      this.#reader = translating(path, () => openReader(path));
      this.#files = translating(path, () => new OpenFiles(path));
    } catch (error) {
      this.#lock?.release();
      throw error;
    }
  }

  /** {@inheritDoc SqlDatabase.transact} */
  transact<T>(work: (transaction: SqlTransaction) => Awaitable<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) {
        reject(closedError());
        return;
      }
      const perform = (): Awaitable<() => void> =>
        andThen(work(this.#transaction), (result) => () => {
          resolve(result);
        });
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
    this.#lock?.release();
  }

  readonly #transaction: SqlTransaction = {
    isAlone: true,
    all: (sql: string, parameters?: readonly SqlValue[]): readonly SqlRow[] => this.#writer.all(sql, parameters),
    run: (sql: string, parameters?: readonly SqlValue[]): number => {
      this.#changes += 1;
      return this.#writer.run(sql, parameters);
    },
    // Nobody could go on meanwhile.
    runLast: (sql: string, parameters?: readonly SqlValue[]): void => {
      this.#transaction.run(sql, parameters);
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
      this.#files.assertInPlace();
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
        const answer = waiting.perform();
        // Most works wait for nothing, and a turn for each would take as long as some of their statements.
        answers.push(isPending(answer) ? await answer : answer);
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

/** Holds the inner pages of the indexes of a million secrets, so that a read takes only leaves from the file. */
const readerCacheKiB = 64 * 1024;

function openReader(path: string): SqliteConnection {
  const reader = new SqliteConnection(path, { readOnly: true });
  reader.execute(`PRAGMA cache_size = -${String(readerCacheKiB)}`);
  return reader;
}

function openWriter(path: string, options: MigrateOptions): SqliteConnection {
  const writer = new SqliteConnection(path, { readOnly: false });
  try {
    // Acknowledged is on the disk; deleted is overwritten.
    writer.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON");
    // The inner pages of the indexes of a million secrets; SQLite walks through all it keeps when it parts pages.
    writer.execute("PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -4000; PRAGMA temp_store = MEMORY");
    migrateSqlite(writer, path, options);
    return writer;
  } catch (error) {
    writer.close();
    throw error;
  }
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
