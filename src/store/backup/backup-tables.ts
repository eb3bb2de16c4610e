import type { KeyColumn } from "../key-order.js";

/** A table as it stands in a backup. */
export interface BackupTable {
  readonly name: string;
  /** What is kept of it, in this order. */
  readonly columns: readonly string[];
  /** What it is read in the order of; undefined where the database says it, see {@link SqlDatabase.generationsKey}. */
  readonly key: readonly KeyColumn[] | undefined;
  /** How many rows are read at once: payloads may be large. */
  readonly pageSize: number;
}

const generations = [
  ...["uid", "name", "sort_key", "active_version", "last_version", "description", "tags"],
  ...["created_at", "updated_at", "changed_by", "deleted_at", "restorable_until"],
];
const versions = [
  ...["uid", "version", "created_at", "expires_at", "destroyed_at", "is_text"],
  ...["key_id", "wrapped_key", "ciphertext"],
];
const answeredRequests = ["scope", "digest", "answer", "answered_at"];

/**
 * Every table but two: of `store` there is one row, and `changes` is left out, as a store that was brought back begins
 * another history, which no watcher may take for the old one.
 */
export const backupTables: readonly BackupTable[] = [
  {
    name: "generations",
    columns: generations,
    key: undefined,
    pageSize: 500,
  },
  {
    name: "versions",
    columns: versions,
    key: ["uid", "version"],
    pageSize: 20,
  },
  {
    name: "answered_requests",
    columns: answeredRequests,
    key: ["scope"],
    pageSize: 500,
  },
];

/** What puts a row of a table back. */
export function insertSql({ name, columns }: BackupTable): string {
  return `INSERT INTO ${name} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;
}
