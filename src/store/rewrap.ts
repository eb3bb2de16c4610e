import { firstKey, keyIs, keyOf, pageAfterKey } from "./key-order.js";
import { bytesOf, numberOf, textOf } from "./row-values.js";
import type { GenerationsKey, SqlDatabase, SqlRow, SqlSession, SqlTransaction, SqlValue } from "./sql-database.js";
import { rewrapDigestKey } from "./store-identity.js";
import { bindingOf, type StoreContext } from "./store-context.js";

/** How many generations are looked at in one go. */
const pageSize = 250;

/** How many data keys are wrapped in one transaction, so that writers do not wait long. */
const batchSize = 500;

const updateSql = `UPDATE versions SET key_id = ?, wrapped_key = ?
  WHERE uid = ? AND version = ? AND key_id = ? AND destroyed_at IS NULL`;
const countSql = `SELECT key_id, COUNT(*) AS versions FROM versions
  WHERE destroyed_at IS NULL AND key_id IS NOT NULL GROUP BY key_id ORDER BY key_id`;

/**
 * Wraps every data key that another key wraps with the current one; payloads stay as they are. Returns how many.
 *
 * It goes through the generations in the order the database keeps them in, which is the same whatever is written or
 * deleted meanwhile: a key of a generation never changes, and what is written behind it is under the current key.
 */
export async function rewrapAll(context: StoreContext, database: SqlDatabase): Promise<number> {
  await database.transact((transaction) => rewrapDigestKey(transaction, context.cipher));
  let done = 0;
  let after: readonly SqlValue[] | undefined = firstKey(database.generationsKey);
  while (after !== undefined) {
    const current = await context.cipher.currentKeyId();
    const from: readonly SqlValue[] = after;
    const page = await database.read((session) => readPage(session, database.generationsKey, { from, current }));
    for (let at = 0; at < page.stale.length; at += batchSize) {
      const batch = page.stale.slice(at, at + batchSize);
      done += await database.transact((transaction) => rewrapBatch(context, transaction, batch));
    }
    after = page.last;
  }
  return done;
}

/** How many versions each key wraps. */
export async function countByKey(database: SqlDatabase): Promise<ReadonlyMap<string, number>> {
  const rows = await database.read((session) => session.all(countSql));
  return new Map(rows.map((row) => [textOf(row, "key_id"), numberOf(row, "versions")]));
}

/** A version that another key wraps, and the name of its secret. */
interface StaleVersion {
  readonly row: SqlRow;
  readonly name: string;
}

/** Such versions of some generations. */
interface Page {
  readonly stale: readonly StaleVersion[];
  /** The last generation's key; undefined when there is none after it. */
  readonly last: readonly SqlValue[] | undefined;
}

async function readPage(
  session: SqlSession,
  key: GenerationsKey,
  { from, current }: { readonly from: readonly SqlValue[]; readonly current: string },
): Promise<Page> {
  const pageSql = `SELECT ${key.join(", ")}, name FROM generations ${pageAfterKey(key)}`;
  const generations = await session.all(pageSql, [...from, pageSize]);
  const lastRow = generations.at(-1);
  if (lastRow === undefined) return { stale: [], last: undefined };
  const last = keyOf(lastRow, key);
  const names = new Map(generations.map((row) => [textOf(row, "uid"), textOf(row, "name")]));
  const rows = await session.all(staleSql(key), [...from, ...last, current]);
  const stale = rows.flatMap((row) => {
    const name = names.get(textOf(row, "uid"));
    return name === undefined ? [] : [{ row, name }];
  });
  return { stale, last: generations.length < pageSize ? undefined : last };
}

/** Versions are in the order of uids: where generations are too, nothing but where to begin and end is needed of them. */
function staleSql(key: GenerationsKey): string {
  const between = `${keyIs(">", key)} AND ${keyIs("<=", key)}`;
  const ofThose = key.length === 1 ? between : `uid IN (SELECT uid FROM generations WHERE ${between})`;
  return `SELECT uid, version, is_text, key_id, wrapped_key FROM versions WHERE ${ofThose} AND key_id <> ?`;
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
