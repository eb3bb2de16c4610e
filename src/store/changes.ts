import type { Generation } from "./generations.js";
import { numberOf, textOf } from "./row-values.js";
import type { SqlSession, SqlTransaction } from "./sql-database.js";

/** How a change shows to who watches. */
export type ChangeKind = "changed" | "removed";

/** One entry of the log that watchers resume from. */
export interface Change {
  readonly revision: number;
  readonly kind: ChangeKind;
  readonly uid: string;
  readonly name: string;
}

/** Where the log begins and ends. */
export interface RevisionRange {
  /** The newest revision; 0 before the first change. */
  readonly latest: number;
  /** Changes up to here are no longer known. */
  readonly compacted: number;
}

/** The newest revision: the log's last key, or where the store began or forgot, as the counter may stand still. */
export const latestRevisionSql = `COALESCE((SELECT MAX(revision) FROM changes),
  (SELECT CASE WHEN revision > compacted_revision THEN revision ELSE compacted_revision END FROM store WHERE id = 1))`;

const nextSql = "UPDATE store SET revision = revision + 1 WHERE id = 1";
const insertSql = `INSERT INTO changes (revision, kind, uid, name, changed_at)
  SELECT revision, CAST(? AS text), CAST(? AS text), CAST(? AS text), CAST(? AS bigint) FROM store WHERE id = 1`;
const afterSql = "SELECT revision, kind, uid, name FROM changes WHERE revision > ? ORDER BY revision LIMIT ?";
const insertNextSql = `INSERT INTO changes (revision, kind, uid, name, changed_at)
  VALUES (${latestRevisionSql} + 1, ?, ?, ?, ?)`;
const rangeSql = `SELECT ${latestRevisionSql} AS revision, compacted_revision FROM store WHERE id = 1`;
const compactSql = "UPDATE store SET compacted_revision = ? WHERE id = 1 AND compacted_revision < ?";

/**
 * Logs a change, at the end of the transaction. Revisions become visible in their order, so that whoever has seen one has
 * seen all below it: a transaction that is not alone locks the counter's row until its commit. One that is alone only
 * takes the next, as the counter would be a page more in every commit.
 */
export function logChange(
  transaction: SqlTransaction,
  changed: { readonly kind: ChangeKind; readonly generation: Pick<Generation, "uid" | "name"> },
  nowMs: number,
): void {
  const { uid, name } = changed.generation;
  if (transaction.isAlone) {
    transaction.runLast(insertNextSql, [changed.kind, uid, name, nowMs]);
    return;
  }
  transaction.runLast(nextSql);
  transaction.runLast(insertSql, [changed.kind, uid, name, nowMs]);
}

/** The changes after a revision, in order. */
export async function changesAfter(session: SqlSession, revision: number, limit: number): Promise<readonly Change[]> {
  const rows = await session.all(afterSql, [revision, limit]);
  return rows.map((row) => ({
    revision: numberOf(row, "revision"),
    kind: row["kind"] === "removed" ? "removed" : "changed",
    uid: textOf(row, "uid"),
    name: textOf(row, "name"),
  }));
}

/** Where the log begins and ends now. */
export async function revisionRange(session: SqlSession): Promise<RevisionRange> {
  const [row] = await session.all(rangeSql);
  if (row === undefined) return { latest: 0, compacted: 0 };
  return { latest: numberOf(row, "revision"), compacted: numberOf(row, "compacted_revision") };
}

/** Forgets the changes up to a revision. */
export async function compactChanges(transaction: SqlTransaction, revision: number): Promise<void> {
  if (revision <= 0) return;
  await transaction.run("DELETE FROM changes WHERE revision <= ?", [revision]);
  await transaction.run(compactSql, [revision, revision]);
}
