import type { SecretError } from "../../domain/secret-error.js";
import type { SqlRow, SqlTransaction, SqlValue } from "../../store/sql-database.js";
import { formatKeys, lockKeys } from "./lock-keys.js";
import type { PostgresConnection } from "./postgres-connection.js";
import { isPassing, translatePostgresFailure, unavailable } from "./postgres-failure.js";

/** What one work of a group may do. */
export interface WorkSessionOptions {
  readonly connection: PostgresConnection;
  readonly description: string;
  readonly schema: string;
  /**
   * Whether it may wait for locks, as long as it has done nothing. Only the first of a group may, as it holds nothing
   * that another transaction could be waiting for; whoever comes later must not, or two could wait for each other.
   */
  readonly mayWait: boolean;
}

/** A statement and its parameters. */
export type Statement = readonly [string, readonly SqlValue[]];

const waitSql = "SELECT count(pg_advisory_xact_lock(key)) AS held FROM unnest(?::bigint[]) AS keys (key)";
const trySql = "SELECT bool_and(pg_try_advisory_xact_lock(key)) AS held FROM unnest(?::bigint[]) AS keys (key)";

const reads = /^\s*SELECT\b/iu;

/** The statements of one work. What a work leaves behind when it ends, such as a statement nobody waits for, ends with it. */
export class WorkSession implements SqlTransaction {
  readonly isAlone = false;
  readonly #options: WorkSessionOptions;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #held = new Set<string>();
  readonly #wanted = new Set<string>();
  readonly #last: Statement[] = [];
  #failure: SecretError | undefined;
  #mustRunAgain = false;
  #hasChanged = false;
  #isOver = false;

  constructor(options: WorkSessionOptions) {
    this.#options = options;
  }

  /** The first failure of a statement: from then on the work cannot be committed, whatever it makes of that. */
  get failure(): SecretError | undefined {
    return this.#failure;
  }

  /** Whether the work failed for a reason that passes. */
  get mustRunAgain(): boolean {
    return this.#mustRunAgain;
  }

  /** Whether anything may have been changed. */
  get hasChanged(): boolean {
    return this.#hasChanged;
  }

  /** All names the work wanted to lock. */
  get wantedNames(): ReadonlySet<string> {
    return this.#wanted;
  }

  /** {@inheritDoc SqlSession.all} */
  async all(sql: string, parameters: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    if (!reads.test(sql)) this.#hasChanged = true;
    return await this.#track(() => this.#options.connection.all(sql, parameters));
  }

  /** {@inheritDoc SqlSession.run} */
  async run(sql: string, parameters: readonly SqlValue[] = []): Promise<number> {
    this.#hasChanged = true;
    return await this.#track(() => this.#options.connection.run(sql, parameters));
  }

  /** What is to be done when all works of the group have succeeded. */
  get last(): readonly Statement[] {
    return this.#last;
  }

  /** {@inheritDoc SqlTransaction.runLast} */
  runLast(sql: string, parameters: readonly SqlValue[] = []): void {
    this.#hasChanged = true;
    this.#last.push([sql, parameters]);
  }

  /** {@inheritDoc SqlTransaction.lockNames} */
  async lockNames(names: readonly string[]): Promise<void> {
    for (const name of names) this.#wanted.add(name);
    const missing = names.filter((name) => !this.#held.has(name));
    if (missing.length > 0) await this.#track(() => this.#lock(missing));
  }

  /** Waits for what is still under way; nothing can be done with the session any more. */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.allSettled(this.#underWay);
  }

  async #lock(names: readonly string[]): Promise<void> {
    const { connection, schema, description } = this.#options;
    const mayWait = this.#options.mayWait && this.#held.size === 0 && !this.#hasChanged;
    const [row] = await connection.all(mayWait ? waitSql : trySql, [formatKeys(lockKeys(schema, names))]);
    if (!mayWait && row?.["held"] !== 1) {
      this.#mustRunAgain = true;
      throw unavailable(description, "has another transaction at work on the same name");
    }
    for (const name of names) this.#held.add(name);
  }

  async #track<T>(statement: () => Promise<T>): Promise<T> {
    if (this.#isOver) throw unavailable(this.#options.description, "has ended the transaction");
    const underWay = statement().catch((thrown: unknown) => {
      const error = translatePostgresFailure(thrown, this.#options.description);
      this.#failure ??= error;
      if (isPassing(error)) this.#mustRunAgain = true;
      throw error;
    });
    this.#underWay.add(underWay);
    try {
      return await underWay;
    } finally {
      this.#underWay.delete(underWay);
    }
  }
}
