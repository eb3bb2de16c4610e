import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { SqlRow, SqlSession, SqlValue } from "../../store/sql-database.js";

/** One connection to a database file, with its statements prepared once. */
export class SqliteConnection implements SqlSession {
  readonly #database: DatabaseSync;
  // text → statement
  readonly #statements = new Map<string, StatementSync>();

  /** @throws Error SQLite's */
  constructor(path: string, { readOnly }: { readonly readOnly: boolean }) {
    // A version refers to its generation by its uid alone, and nothing looks a generation up by that.
    this.#database = new DatabaseSync(path, { readOnly, timeout: 5_000, enableForeignKeyConstraints: false });
  }

  all(sql: string, parameters: readonly SqlValue[] = []): readonly SqlRow[] {
    // Integers stay below 2^53, so none arrives as a bigint.
    return this.#prepare(sql).all(...parameters) as readonly SqlRow[];
  }

  run(sql: string, parameters: readonly SqlValue[] = []): number {
    return Number(this.#prepare(sql).run(...parameters).changes);
  }

  /** Runs statements that take nothing and give nothing. */
  execute(sql: string): void {
    this.#database.exec(sql);
  }

  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}
