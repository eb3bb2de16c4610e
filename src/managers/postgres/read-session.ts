import type { SqlRow, SqlSession, SqlValue } from "../../store/sql-database.js";
import type { PostgresConnection } from "./postgres-connection.js";
import { translatePostgresFailure } from "./postgres-failure.js";

/**
 * Reads from one point in time. The transaction begins with the first statement and in the same message, so that a work
 * of one statement takes one round trip.
 */
export class ReadSession implements SqlSession {
  readonly #connection: PostgresConnection;
  readonly #description: string;
  #begun: Promise<unknown> | undefined;
  #hasAnswered = false;

  constructor(connection: PostgresConnection, description: string) {
    this.#connection = connection;
    this.#description = description;
  }

  /** Whether any statement has been answered, so that whoever reads may have made something of it. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** {@inheritDoc SqlSession.all} */
  async all(sql: string, parameters: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    return await this.#run(() => this.#connection.all(sql, parameters));
  }

  /** {@inheritDoc SqlSession.run} */
  async run(sql: string, parameters: readonly SqlValue[] = []): Promise<number> {
    return await this.#run(() => this.#connection.run(sql, parameters));
  }

  /** Ends the transaction; nobody has to wait for that. Never rejects. */
  async end(): Promise<void> {
    if (this.#begun === undefined) return;
    try {
      await this.#connection.script("COMMIT");
    } catch {
      this.#connection.destroy();
    }
  }

  async #run<T>(statement: () => Promise<T>): Promise<T> {
    this.#begun ??= this.#connection.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    try {
      const [result] = await Promise.all([statement(), this.#begun]);
      this.#hasAnswered = true;
      return result;
    } catch (thrown) {
      throw translatePostgresFailure(thrown, this.#description);
    }
  }
}
