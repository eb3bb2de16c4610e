import { SecretError } from "../../domain/secret-error.js";
import { migrations } from "../schema.js";
import type { SqlDatabase, SqlRow, SqlTransaction } from "../sql-database.js";
import type { StoreCipher } from "../store-cipher.js";
import {
  insertStoreRow,
  lockStore,
  type OpenCipher,
  openDigestKey,
  readStoreRow,
  storeColumns,
} from "../store-identity.js";
import { type BackupHeader, BackupSeal, corrupt, type ReadBytes, readHeader } from "./backup-file.js";
import type { BackupPart, BackupRow } from "./backup-parts.js";
import { type BackupTable, backupTables, insertSql } from "./backup-tables.js";
import { type BackupSummary, summaryOf } from "./write-backup.js";

/** A backup that can be read from its beginning, as often as it takes. */
export interface BackupInput {
  /** Begins anew. */
  open(): ReadBytes;
}

/** How far ahead a store that was brought back counts its revisions, so that no watcher goes on as if nothing had been. */
const revisionGap = 1_000_000_000;

/** One row of a table that was read from a backup. */
interface RestoredRow {
  readonly table: BackupTable;
  readonly row: BackupRow;
}

/**
 * Reads a whole backup, and opens everything that is sealed in it.
 * @throws SecretError `PAYLOAD_CORRUPT` for one that is damaged, `CONFIG_INVALID` when the key is another one
 */
export async function verifyBackup(input: BackupInput, openCipher: OpenCipher): Promise<BackupSummary> {
  const read = input.open();
  const header = headerOf(read);
  const cipher = await openCipher({ storeId: header.storeId, isNew: false });
  const seal = new BackupSeal(cipher, header);
  // uid → the name its payloads are bound to
  const names = new Map<string, string>();
  const found: Record<string, number> = Object.fromEntries(backupTables.map(({ name }) => [name, 0]));
  for (let isFirst = true; ; isFirst = false) {
    const part = await seal.open(read).catch((error: unknown) => {
      throw isFirst ? otherKey(error) : error;
    });
    if ((part.kind === "store") !== isFirst) throw corrupt("is not in order");
    if (part.kind === "store") await openDigestKey(rowOf(storeColumns, part.values), cipher);
    if (part.kind === "rows") {
      found[part.table] = (found[part.table] ?? 0) + part.rows.length;
      for (const each of rowsOf(part)) await verifyRow(each, names, { cipher, storeId: header.storeId });
    }
    if (part.kind !== "end") continue;
    if (Object.entries(found).some(([name, count]) => part.counts[name] !== count)) throw corrupt("is not complete");
    return summaryOf(header, part.counts);
  }
}

/**
 * Brings a backup back into an empty database, all of it or nothing; it must have been verified.
 * @throws SecretError `CONFIG_INVALID` when there is a store already
 */
export async function restoreBackup(input: BackupInput, database: SqlDatabase, openCipher: OpenCipher): Promise<void> {
  const header = headerOf(input.open());
  const cipher = await openCipher({ storeId: header.storeId, isNew: false });
  await database.transact(async (transaction) => {
    await lockStore(transaction);
    if ((await readStoreRow(transaction)) !== undefined) throw notEmpty(database.description);
    const read = input.open();
    headerOf(read);
    const seal = new BackupSeal(cipher, header);
    for (let part = await seal.open(read); part.kind !== "end"; part = await seal.open(read)) {
      await insertPart(transaction, part);
    }
  });
}

async function insertPart(transaction: SqlTransaction, part: BackupPart): Promise<void> {
  if (part.kind === "store") await insertStoreRow(transaction, rowOf(storeColumns, part.values), revisionGap);
  if (part.kind !== "rows") return;
  for (const { table, row } of rowsOf(part)) await transaction.run(insertSql(table), row);
}

function headerOf(read: ReadBytes): BackupHeader {
  const header = readHeader(read);
  // An older schema would have to be brought up to date row by row; there is none yet.
  if (header.schemaVersion === migrations.length) return header;
  throw new SecretError("CONFIG_INVALID", "the backup was made by another version of the broker; use that version");
}

async function verifyRow(
  { table, row }: RestoredRow,
  names: Map<string, string>,
  { cipher, storeId }: { readonly cipher: StoreCipher; readonly storeId: string },
): Promise<void> {
  const values = rowOf(table.columns, row);
  const { uid, name } = values;
  if (typeof uid !== "string") return;
  if (table.name === "generations" && typeof name === "string") names.set(uid, name);
  const { key_id: keyId, wrapped_key: wrappedKey, ciphertext, version, is_text: isText } = values;
  if (!(wrappedKey instanceof Uint8Array) || !(ciphertext instanceof Uint8Array)) return;
  if (typeof keyId !== "string" || typeof version !== "number") throw corrupt("holds a version that cannot be read");
  const binding = { storeId, uid, name: names.get(uid) ?? "", version, isText: isText === 1 };
  const payload = await cipher.open(binding, { keyId, wrappedKey, ciphertext });
  payload.fill(0);
}

function rowsOf({ table: name, rows }: BackupPart & { readonly kind: "rows" }): readonly RestoredRow[] {
  const table = backupTables.find((each) => each.name === name);
  if (table === undefined) throw corrupt("holds a table that is not known");
  return rows.map((row) => ({ table, row }));
}

function rowOf(columns: readonly string[], values: BackupRow): SqlRow {
  return Object.fromEntries(columns.map((column, index) => [column, values[index] ?? null]));
}

/** The first thing that does not open shows that it is the key, unless the file was changed just there. */
function otherKey(cause: unknown): unknown {
  const message =
    "the backup does not open: the encryption key is another one, or the file is damaged; nothing was restored";
  return cause instanceof Error ? new SecretError("CONFIG_INVALID", message, { cause }) : cause;
}

function notEmpty(description: string): SecretError {
  return new SecretError("CONFIG_INVALID", `${description} holds a store already; restore into an empty one`);
}
