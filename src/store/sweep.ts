import { compactChanges, revisionRange } from "./changes.js";
import { forgetAnswers } from "./answered-requests.js";
import { destroyGeneration } from "./delete-secret.js";
import { bytesOf, numberOf, textOf } from "./row-values.js";
import type { SqlDatabase, SqlTransaction } from "./sql-database.js";
import type { StoreContext } from "./store-context.js";
import { destroyVersion } from "./versions.js";

/** How much is done in one transaction, so that writers do not wait long. */
const batchSize = 100;

/** How long a repeated request is recognised. */
const answersKeptMs = 86_400_000;

/** How many changes a watcher may have missed. */
const changesKept = 100_000;

const dueGenerationsSql = `SELECT uid, name, sort_key, deleted_at FROM generations
  WHERE deleted_at IS NOT NULL AND restorable_until <= ? ORDER BY restorable_until LIMIT ?`;
const stillDueSql = `SELECT uid FROM generations
  WHERE sort_key = ? AND uid = ? AND deleted_at IS NOT NULL AND restorable_until <= ?`;
const dueVersionsSql = `SELECT uid, version FROM versions
  WHERE expires_at IS NOT NULL AND destroyed_at IS NULL AND expires_at <= ? ORDER BY expires_at LIMIT ?`;

/** What a sweep removed. */
export interface SweepResult {
  readonly generations: number;
  readonly versions: number;
}

/**
 * Destroys what is due: generations whose recovery window has ended, versions that have expired. Forgets old answers and
 * old changes. @param dueMs what surely is past
 */
export async function sweep(
  [context, database]: readonly [StoreContext, SqlDatabase],
  dueMs: number,
): Promise<SweepResult> {
  const generations = await repeat(database, (transaction) => destroyDueGenerations(context, transaction, dueMs));
  const versions = await repeat(database, (transaction) => destroyDueVersions(transaction, dueMs));
  await database.transact(async (transaction) => {
    await forgetAnswers(transaction, dueMs - answersKeptMs);
    const { latest, compacted } = await revisionRange(transaction);
    if (latest - changesKept > compacted) await compactChanges(transaction, latest - changesKept);
  });
  if (generations + versions > 0) await database.purge();
  return { generations, versions };
}

async function repeat(database: SqlDatabase, step: (transaction: SqlTransaction) => Promise<number>): Promise<number> {
  let done = 0;
  for (;;) {
    const count = await database.transact(step);
    done += count;
    if (count < batchSize) return done;
  }
}

async function destroyDueGenerations(
  context: StoreContext,
  transaction: SqlTransaction,
  dueMs: number,
): Promise<number> {
  const rows = await transaction.all(dueGenerationsSql, [dueMs, batchSize]);
  await transaction.lockNames(rows.map((row) => textOf(row, "name")));
  for (const row of rows) {
    const due = { uid: textOf(row, "uid"), name: textOf(row, "name"), deletedAt: numberOf(row, "deleted_at") };
    // As the row has it, so that also what somebody changed is gone in the end.
    const key = bytesOf(row, "sort_key");
    // Restored while the lock was waited for, and perhaps deleted again: it is not due.
    const [still] = await transaction.all(stillDueSql, [key, due.uid, dueMs]);
    if (still !== undefined) await destroyGeneration([context, transaction], due, key);
  }
  return rows.length;
}

async function destroyDueVersions(transaction: SqlTransaction, dueMs: number): Promise<number> {
  const rows = await transaction.all(dueVersionsSql, [dueMs, batchSize]);
  for (const row of rows) {
    await destroyVersion(transaction, { uid: textOf(row, "uid"), version: numberOf(row, "version") }, dueMs);
  }
  return rows.length;
}
