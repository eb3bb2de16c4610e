import type { SqlDatabase, SqlTransaction } from "../../../src/store/sql-database.js";

const insertSql = "INSERT INTO answered_requests (scope, digest, answer, answered_at) VALUES (?, ?, ?, ?)";

/** Puts a row in one of the store's tables, as any would do. */
export async function insert(transaction: SqlTransaction, key: string): Promise<void> {
  await transaction.run(insertSql, [key, "digest", "answer", 1]);
}

/** The keys of all rows there are, in order. */
export async function keysOf(database: SqlDatabase): Promise<readonly unknown[]> {
  const rows = await database.read((session) => session.all("SELECT scope FROM answered_requests ORDER BY scope"));
  return rows.map(({ scope }) => scope);
}

/** How something failed: the reason, and what else tells programs. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => "no failure",
    (error: unknown) => error,
  );
}

/** The numbers from 0 to below a count. */
export function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}
