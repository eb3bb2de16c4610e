import { revisionRange } from "./changes.js";
import { firstKey, type KeyColumn, keyIs, keyOf, pageAfterKey } from "./key-order.js";
import { bytesOf, numberOf, textOf } from "./row-values.js";
import type { SqlDatabase, SqlRow, SqlSession, SqlTransaction, SqlValue } from "./sql-database.js";
import { rewrapDigestKey } from "./store-identity.js";
import { bindingOf, type StoreContext } from "./store-context.js";

/** How many generations, or changes of them, are looked at in one go. */
const pageSize = 250;

/** How many data keys are wrapped in one transaction, so that writers do not wait long. */
const batchSize = 500;

const updateSql = `UPDATE versions SET key_id = ?, wrapped_key = ?
  WHERE uid = ? AND version = ? AND key_id = ? AND destroyed_at IS NULL`;
const countSql = `SELECT key_id, COUNT(*) AS versions FROM versions
  WHERE destroyed_at IS NULL AND key_id IS NOT NULL GROUP BY key_id ORDER BY key_id`;

/** Up to where it is known that the current key wraps every data key. */
export interface Settled {
  readonly keyId: string;
  /** What was written up to here is under that key. */
  readonly revision: number;
}

/** What a pass came to. */
export interface RewrapResult {
  /** How many data keys were wrapped anew. */
  readonly wrapped: number;
  /** Undefined unless it found nothing to wrap: only another pass shows that nothing is left. */
  readonly settled: Settled | undefined;
}

/**
 * Wraps every data key that another key wraps with the current one; payloads stay as they are.
 *
 * It goes through the generations in the order the database keeps them in, which is the same whatever is written or
 * deleted meanwhile: a key of a generation never changes, and what is written behind it is under the current key.
 */
export async function rewrapAll(context: StoreContext, database: SqlDatabase): Promise<RewrapResult> {
  const key = database.generationsKey;
  return await rewrapThrough([context, database], { table: "generations", key, from: firstKey(key) });
}

/**
 * The same for what has been written since, by whomever: each write is in the log. What another process wrapped anew is
 * not. Settled is undefined when the log no longer reaches back that far, and stays where it was when there was something
 * to wrap.
 */
export async function rewrapSince(
  context: StoreContext,
  database: SqlDatabase,
  settled: Settled,
): Promise<RewrapResult> {
  const from = [settled.revision];
  const now = await rewrapThrough([context, database], { table: "changes", key: ["revision"], from });
  // Asked for last: the log may be cut off while it is read.
  const { latest, compacted } = await database.read(revisionRange);
  const isKnown = compacted <= settled.revision && settled.revision <= latest;
  // Of another key, that became the current one meanwhile, the log alone says nothing.
  const isFurther = now.settled?.keyId === settled.keyId;
  return { wrapped: now.wrapped, settled: isKnown ? (isFurther ? now.settled : settled) : undefined };
}

/** How many versions each key wraps. */
export async function countByKey(database: SqlDatabase): Promise<ReadonlyMap<string, number>> {
  const rows = await database.read((session) => session.all(countSql));
  return new Map(rows.map((row) => [textOf(row, "key_id"), numberOf(row, "versions")]));
}

/** Where uids and names of generations stand, and in which order. */
interface Walk {
  readonly table: "generations" | "changes";
  readonly key: readonly KeyColumn[];
  readonly from: readonly SqlValue[];
}

async function rewrapThrough(
  [context, database]: readonly [StoreContext, SqlDatabase],
  walk: Walk,
): Promise<RewrapResult> {
  await database.transact((transaction) => rewrapDigestKey(transaction, context.cipher));
  // Taken first: what is written from here on, under whatever key, is behind it in the log.
  const { latest } = await database.read(revisionRange);
  const keyId = await context.cipher.currentKeyId();
  let [wrapped, isSettled] = [0, true];
  let after: readonly SqlValue[] | undefined = walk.from;
  while (after !== undefined) {
    const current = await context.cipher.currentKeyId();
    const from: readonly SqlValue[] = after;
    const page = await database.read((session) => readPage(session, { ...walk, from }, current));
    isSettled &&= page.stale.length === 0 && current === keyId;
    for (let at = 0; at < page.stale.length; at += batchSize) {
      const batch = page.stale.slice(at, at + batchSize);
      wrapped += await database.transact((transaction) => rewrapBatch(context, transaction, batch));
    }
    after = page.last;
  }
  return { wrapped, settled: isSettled ? { keyId, revision: latest } : undefined };
}

/** A version that another key wraps, and the name of its secret. */
interface StaleVersion {
  readonly row: SqlRow;
  readonly name: string;
}

/** Such versions of some generations. */
interface Page {
  readonly stale: readonly StaleVersion[];
  /** The last row's key; undefined when there is none after it. */
  readonly last: readonly SqlValue[] | undefined;
}

async function readPage(session: SqlSession, walk: Walk, current: string): Promise<Page> {
  const { table, key, from } = walk;
  const columns = [...new Set([...key, "uid", "name"])].join(", ");
  const found = await session.all(`SELECT ${columns} FROM ${table} ${pageAfterKey(key)}`, [...from, pageSize]);
  const lastRow = found.at(-1);
  if (lastRow === undefined) return { stale: [], last: undefined };
  const last = keyOf(lastRow, key);
  const names = new Map(found.map((row) => [textOf(row, "uid"), textOf(row, "name")]));
  const rows =
    table === "changes"
      ? await staleOf(session, [...names.keys()], current)
      : await session.all(staleSql(key), [...from, ...last, current]);
  const stale = rows.flatMap((row) => {
    const name = names.get(textOf(row, "uid"));
    return name === undefined ? [] : [{ row, name }];
  });
  return { stale, last: found.length < pageSize ? undefined : last };
}

const staleColumns = "uid, version, is_text, key_id, wrapped_key";

/** Versions are in the order of uids: where generations are too, nothing but where to begin and end is needed of them. */
function staleSql(key: readonly KeyColumn[]): string {
  const between = `${keyIs(">", key)} AND ${keyIs("<=", key)}`;
  const ofThose = key.length === 1 ? between : `uid IN (SELECT uid FROM generations WHERE ${between})`;
  return `SELECT ${staleColumns} FROM versions WHERE ${ofThose} AND key_id <> ?`;
}

/** One by one, as changed generations lie anywhere, and PostgreSQL would rather read the whole table than find many. */
async function staleOf(session: SqlSession, uids: readonly string[], current: string): Promise<readonly SqlRow[]> {
  const sql = `SELECT ${staleColumns} FROM versions WHERE uid = ? AND key_id <> ?`;
  return (await Promise.all(uids.map(async (uid) => await session.all(sql, [uid, current])))).flat();
}

/** A version that was destroyed, or wrapped by somebody else, since it was read is left alone. */
async function rewrapBatch(
  context: StoreContext,
  transaction: SqlTransaction,
  batch: readonly StaleVersion[],
): Promise<number> {
  let count = 0;
  for (const each of batch) count += await rewrapVersion(context, transaction, each);
  return count;
}

async function rewrapVersion(
  context: StoreContext,
  transaction: SqlTransaction,
  { row, name }: StaleVersion,
): Promise<number> {
  const [uid, version] = [textOf(row, "uid"), numberOf(row, "version")];
  const before = { keyId: textOf(row, "key_id"), wrappedKey: bytesOf(row, "wrapped_key") };
  const isText = numberOf(row, "is_text") === 1;
  const binding = bindingOf(context, { uid, name }, { version, isText });
  const { keyId, wrappedKey } = await context.cipher.rewrap(binding, before);
  return await transaction.run(updateSql, [keyId, wrappedKey, uid, version, before.keyId]);
}
