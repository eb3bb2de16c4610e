import { randomUUID } from "node:crypto";
import { firstKey, type KeyColumn, keyOf, pageAfterKey } from "../key-order.js";
import { migrations } from "../schema.js";
import type { SqlDatabase, SqlRow, SqlSession } from "../sql-database.js";
import type { StoreCipher } from "../store-cipher.js";
import { readStoreRow, storeColumns } from "../store-identity.js";
import { backupFormat, BackupSeal, type BackupHeader, encodeHeader } from "./backup-file.js";
import type { BackupPart, BackupRow } from "./backup-parts.js";
import { type BackupTable, backupTables } from "./backup-tables.js";

/** A store that can be read. */
export interface BackupSource {
  readonly database: SqlDatabase;
  readonly storeId: string;
  readonly cipher: StoreCipher;
}

/** What is in a backup. */
export interface BackupSummary {
  readonly storeId: string;
  /** In ISO 8601. */
  readonly createTime: string;
  /** Living and deleted secrets that can be restored. */
  readonly generations: number;
  readonly versions: number;
}

/** A part is not much larger, unless one payload is. */
const partBytes = 4 * 1024 * 1024;

/**
 * Writes everything in a store, as it is at one point in time, while it is being served. Payloads stay sealed, and what
 * is in clear in the store is sealed here.
 * @param write takes one piece after the other
 */
export async function writeBackup(
  { database, storeId, cipher }: BackupSource,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<BackupSummary> {
  const createTime = new Date().toISOString();
  const schemaVersion = migrations.length;
  const header: BackupHeader = { format: backupFormat, schemaVersion, storeId, backupId: randomUUID(), createTime };
  const seal = new BackupSeal(cipher, header);
  const put = async (part: BackupPart): Promise<void> => write(await seal.seal(part));
  await write(encodeHeader(header));
  const counts = await database.read(async (session) => {
    const store = await readStoreRow(session);
    await put({ kind: "store", values: storeColumns.map((column) => store?.[column] ?? null) });
    const found: Record<string, number> = {};
    for (const table of backupTables) {
      const key = table.key ?? database.generationsKey;
      found[table.name] = await putTable(session, { ...table, key }, put);
    }
    return found;
  });
  await put({ kind: "end", counts });
  return summaryOf(header, counts);
}

/** What a backup's header and its end say. */
export function summaryOf(
  { storeId, createTime }: BackupHeader,
  counts: Readonly<Record<string, number>>,
): BackupSummary {
  return { storeId, createTime, generations: counts["generations"] ?? 0, versions: counts["versions"] ?? 0 };
}

async function putTable(
  session: SqlSession,
  table: BackupTable & { readonly key: readonly KeyColumn[] },
  put: (part: BackupPart) => Promise<void>,
): Promise<number> {
  const { name, columns, key } = table;
  const sql = `SELECT ${columns.join(", ")} FROM ${name} ${pageAfterKey(key)}`;
  let after = firstKey(key);
  let count = 0;
  for (;;) {
    const rows = await session.all(sql, [...after, table.pageSize]);
    for (const part of partsOf(rows.map((row) => valuesOf(row, table)))) {
      await put({ kind: "rows", table: name, rows: part });
    }
    count += rows.length;
    const last = rows.at(-1);
    if (last === undefined || rows.length < table.pageSize) return count;
    after = keyOf(last, key);
  }
}

function valuesOf(row: SqlRow, { columns }: BackupTable): BackupRow {
  return columns.map((column) => row[column] ?? null);
}

function* partsOf(rows: readonly BackupRow[]): Generator<readonly BackupRow[]> {
  let part: BackupRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    part.push(row);
    bytes += row.reduce<number>((sum, value) => sum + (value instanceof Uint8Array ? value.length : 64), 0);
    if (bytes < partBytes) continue;
    yield part;
    part = [];
    bytes = 0;
  }
  if (part.length > 0) yield part;
}
