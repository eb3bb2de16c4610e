/** A table as it stands in a backup. */
export interface BackupTable {
  readonly name: string;
  /** What is kept of it, in this order. */
  readonly columns: readonly string[];
  /** Gives the rows after a key, in the order of the keys; takes the key and how many. */
  readonly select: string;
  /** The columns of the key, and a key before all others. */
  readonly key: readonly string[];
  readonly start: readonly (string | number)[];
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
    select: `SELECT ${generations.join(", ")} FROM generations WHERE uid > ? ORDER BY uid LIMIT ?`,
    key: ["uid"],
    start: [""],
    pageSize: 500,
  },
  {
    name: "versions",
    columns: versions,
    select: `SELECT ${versions.join(", ")} FROM versions WHERE (uid, version) > (?, ?) ORDER BY uid, version LIMIT ?`,
    key: ["uid", "version"],
    start: ["", 0],
    pageSize: 20,
  },
  {
    name: "answered_requests",
    columns: answeredRequests,
    select: `SELECT ${answeredRequests.join(", ")} FROM answered_requests WHERE scope > ? ORDER BY scope LIMIT ?`,
    key: ["scope"],
    start: [""],
    pageSize: 500,
  },
];

/** What puts a row of a table back. */
export function insertSql({ name, columns }: BackupTable): string {
  return `INSERT INTO ${name} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;
}
