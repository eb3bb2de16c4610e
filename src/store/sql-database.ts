import type { Awaitable } from "../contract/secret-manager.js";

/** What a statement takes and gives. Times are whole milliseconds since the epoch; whole numbers stay below 2^53. */
export type SqlValue = string | number | Uint8Array | null;

/** A row by its columns' names. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/**
 * Runs statements. They are written in the part of SQL that SQLite and PostgreSQL share, with a `?` for each
 * parameter, in order, and no `?` anywhere else; the database behind rewrites them if it must. They are done in the order
 * they are asked for: a work need not wait for one statement before it asks for the next, unless it needs the result.
 */
export interface SqlSession {
  /** Gives all rows. */
  all(sql: string, parameters?: readonly SqlValue[]): Awaitable<readonly SqlRow[]>;
  /** Changes rows, and tells how many. */
  run(sql: string, parameters?: readonly SqlValue[]): Awaitable<number>;
}

/** Statements that take effect together or not at all. */
export interface SqlTransaction extends SqlSession {
  /** Whether no other transaction is under way, by whomever. */
  readonly isAlone: boolean;
  /** Makes every other transaction that locks one of these names wait for this one's end; never deadlocks. */
  lockNames(names: readonly string[]): Awaitable<void>;
  /**
   * Has a statement done after all others, when the work has succeeded: for a row that every transaction changes, and that
   * would keep them from going side by side.
   */
  runLast(sql: string, parameters?: readonly SqlValue[]): void;
}

/** A file keeps `generations` in the order of the names; other databases find them there by another index. */
export type GenerationsKey = readonly ["uid"] | readonly ["sort_key", "uid"];

/**
 * A database a store keeps its secrets in. Everything rejects with a `SecretError`: `MANAGER_UNAVAILABLE` when the
 * database cannot be reached or cannot write, `PAYLOAD_CORRUPT` when what it holds cannot be read.
 */
export interface SqlDatabase {
  /** What messages call it, such as a path; without a password. */
  readonly description: string;
  /** The columns that `generations` has a unique index over: whoever goes through all of it goes in their order. */
  readonly generationsKey: GenerationsKey;
  /**
   * Does the work in a transaction and resolves once it is durable. Works under way at the same time may share a commit;
   * one that rejects is undone alone. A work may run again from its start when the database asks for that.
   */
  transact<T>(work: (transaction: SqlTransaction) => Awaitable<T>): Promise<T>;
  /** Reads from one point in time, at least as new as everything this process has committed. */
  read<T>(work: (session: SqlSession) => Awaitable<T>): Promise<T>;
  /** Calls back soon after something has been committed, by whomever; now and then for nothing. Returns its end. */
  onChange(listener: () => void): () => void;
  /** Whether it answers now. */
  isHealthy(): Promise<boolean>;
  /** Gives bytes of destroyed payloads back to nobody: overwrites or removes what the database kept of them. */
  purge(): Promise<void>;
  /** Finishes what is under way and closes. */
  close(): Promise<void>;
}
