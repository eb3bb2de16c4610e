import type { SqlRow, SqlValue } from "./sql-database.js";

/** Columns that keys of the store's tables consist of. */
export type KeyColumn = "sort_key" | "uid" | "version" | "scope" | "revision";

/** What comes before every key. */
const beforeAll: Readonly<Record<KeyColumn, SqlValue>> = {
  sort_key: new Uint8Array(0),
  uid: "",
  version: 0,
  scope: "",
  revision: 0,
};

/** A key before all others, to begin with. */
export function firstKey(columns: readonly KeyColumn[]): readonly SqlValue[] {
  return columns.map((column) => beforeAll[column]);
}

/** The key of a row, to go on after it. */
export function keyOf(row: SqlRow, columns: readonly KeyColumn[]): readonly SqlValue[] {
  return columns.map((column) => row[column] ?? null);
}

/** The condition that a row's key compares so with a given one, as in `(a, b) > (?, ?)`. */
export function keyIs(comparison: ">" | "<=", columns: readonly string[]): string {
  return `(${columns.join(", ")}) ${comparison} (${columns.map(() => "?").join(", ")})`;
}

/** The end of a statement that takes a key and how many, and gives the rows after it in order. */
export function pageAfterKey(columns: readonly KeyColumn[]): string {
  return `WHERE ${keyIs(">", columns)} ORDER BY ${columns.join(", ")} LIMIT ?`;
}
