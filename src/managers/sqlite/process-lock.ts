import { hostname } from "node:os";
import type { SecretError } from "../../domain/secret-error.js";
import { SqliteConnection } from "./sqlite-connection.js";
import { primaryCode } from "./sqlite-failure.js";

/**
 * Holds a file for one process. A small database beside it: whoever has its write lock has the file, the system
 * releases it when the process ends, however it ends, and its row says who that is.
 */
export class ProcessLock {
  readonly #connection: SqliteConnection;

  /**
   * Takes the lock.
   * @param path of the file; the lock is beside it, `.lock` behind its name
   * @param refusal made with who has it, and thrown
   * @throws Error SQLite's, when there can be no such lock
   */
  constructor(path: string, refusal: (owner: string) => SecretError) {
    this.#connection = new SqliteConnection(`${path}.lock`, { readOnly: false });
    try {
      this.#connection.execute("PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE");
      this.#take();
    } catch (error) {
      const owner = this.#owner();
      this.#connection.close();
      throw isTaken(error) ? refusal(owner) : error;
    }
  }

  /** Lets another process have the file. */
  release(): void {
    this.#connection.close();
  }

  #take(): void {
    const me = `process ${String(process.pid)} on ${hostname()}, since ${new Date().toISOString()}`;
    this.#connection.execute("BEGIN IMMEDIATE");
    this.#connection.execute("CREATE TABLE IF NOT EXISTS owner (id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT)");
    this.#connection.run("INSERT OR REPLACE INTO owner (id, name) VALUES (1, ?)", [me]);
    this.#connection.execute("COMMIT");
    // Held until the end, and nothing written: the row stays readable to whoever wants to know.
    this.#connection.execute("BEGIN IMMEDIATE");
    const [row] = this.#connection.all("SELECT name FROM owner WHERE id = 1");
    if (row?.["name"] !== me) throw new FasterProcessError();
  }

  #owner(): string {
    try {
      const [row] = this.#connection.all("SELECT name FROM owner WHERE id = 1");
      return typeof row?.["name"] === "string" ? row["name"] : "another process";
    } catch {
      return "another process";
    }
  }
}

/** Another process took the lock between its two halves. */
class FasterProcessError extends Error {}

/** SQLITE_BUSY and SQLITE_LOCKED. */
const takenCodes: ReadonlySet<number | undefined> = new Set([5, 6]);

function isTaken(error: unknown): boolean {
  return error instanceof FasterProcessError || takenCodes.has(primaryCode(error));
}
