import { hostname } from "node:os";
import { SecretError } from "../../domain/secret-error.js";
import { SqliteConnection } from "./sqlite-connection.js";

/**
 * Holds a store for one process. A small database beside the store's: whoever has its write lock has the store, the
 * system releases it when the process ends, however it ends, and its row says who that is.
 */
export class StoreLock {
  readonly #connection: SqliteConnection;

  /** @throws SecretError `CONFIG_INVALID` that names the process that has the store */
  constructor(path: string) {
    this.#connection = new SqliteConnection(`${path}.lock`, { readOnly: false });
    try {
      this.#connection.execute("PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE");
      this.#take();
    } catch {
      const owner = this.#owner();
      this.#connection.close();
      const message = `the store ${path} is in use by ${owner}; one process at a time can serve it`;
      throw new SecretError("CONFIG_INVALID", message);
    }
  }

  /** Lets another process have the store. */
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
    if (row?.["name"] !== me) throw new Error("another process was faster");
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
