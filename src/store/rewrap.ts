import { bytesOf, numberOf, textOf } from "./row-values.js";
import type { SqlDatabase, SqlRow, SqlTransaction } from "./sql-database.js";
import { rewrapDigestKey } from "./store-identity.js";
import { bindingOf, type StoreContext } from "./store-context.js";

const batchSize = 500;

const nextSql = `SELECT v.uid AS uid, v.version AS version, v.is_text AS is_text, v.key_id AS key_id,
  v.wrapped_key AS wrapped_key, v.ciphertext AS ciphertext, g.name AS name
  FROM versions v JOIN generations g ON g.uid = v.uid
  WHERE (v.uid, v.version) > (?, ?) ORDER BY v.uid, v.version LIMIT ?`;
const updateSql = `UPDATE versions SET key_id = ?, wrapped_key = ?
  WHERE uid = ? AND version = ? AND key_id = ? AND destroyed_at IS NULL`;
const countSql = `SELECT key_id, COUNT(*) AS versions FROM versions
  WHERE destroyed_at IS NULL AND key_id IS NOT NULL GROUP BY key_id ORDER BY key_id`;

/** Wraps every data key that another key wraps with the current one; payloads stay as they are. Returns how many. */
export async function rewrapAll(context: StoreContext, database: SqlDatabase): Promise<number> {
  await database.transact((transaction) => rewrapDigestKey(transaction, context.cipher));
  let done = 0;
  let after: Position | undefined = { uid: "", version: 0 };
  while (after !== undefined) {
    const from: Position = after;
    const { count, last } = await database.transact((transaction) => rewrapBatch(context, transaction, from));
    done += count;
    after = last;
  }
  return done;
}

/** A version in the order of the table. */
interface Position {
  readonly uid: string;
  readonly version: number;
}

/** How many versions each key wraps. */
export async function countByKey(database: SqlDatabase): Promise<ReadonlyMap<string, number>> {
  const rows = await database.read((session) => session.all(countSql));
  return new Map(rows.map((row) => [textOf(row, "key_id"), numberOf(row, "versions")]));
}

async function rewrapBatch(
  context: StoreContext,
  transaction: SqlTransaction,
  { uid, version }: Position,
): Promise<{ readonly count: number; readonly last: Position | undefined }> {
  const current = await context.cipher.currentKeyId();
  const rows = await transaction.all(nextSql, [uid, version, batchSize]);
  const stale = rows.filter((row) => row["key_id"] !== null && row["key_id"] !== current);
  for (const row of stale) await rewrapRow(context, transaction, row);
  const last = rows.at(-1);
  if (last === undefined || rows.length < batchSize) return { count: stale.length, last: undefined };
  return { count: stale.length, last: { uid: textOf(last, "uid"), version: numberOf(last, "version") } };
}

async function rewrapRow(context: StoreContext, transaction: SqlTransaction, row: SqlRow): Promise<void> {
  const [uid, version] = [textOf(row, "uid"), numberOf(row, "version")];
  const sealed = {
    keyId: textOf(row, "key_id"),
    wrappedKey: bytesOf(row, "wrapped_key"),
    ciphertext: bytesOf(row, "ciphertext"),
  };
  const isText = numberOf(row, "is_text") === 1;
  const binding = bindingOf(context, { uid, name: textOf(row, "name") }, { version, isText });
  const { keyId, wrappedKey } = await context.cipher.rewrap(binding, sealed);
  await transaction.run(updateSql, [keyId, wrappedKey, uid, version, sealed.keyId]);
}
