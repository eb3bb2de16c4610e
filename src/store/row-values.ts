import { SecretError } from "../domain/secret-error.js";
import type { SqlRow } from "./sql-database.js";

/** A column that must hold text. */
export function textOf(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw damaged(column);
  return value;
}

/** A column that must hold a whole number. */
export function numberOf(row: SqlRow, column: string): number {
  const value = row[column];
  if (typeof value !== "number") throw damaged(column);
  return value;
}

/** A column that must hold bytes. */
export function bytesOf(row: SqlRow, column: string): Uint8Array {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw damaged(column);
  return value;
}

/** A column that may be NULL. */
export function optional<T>(row: SqlRow, column: string, take: (row: SqlRow, column: string) => T): T | undefined {
  return row[column] === null || row[column] === undefined ? undefined : take(row, column);
}

/** A time in a column that may be NULL. */
export function dateOf(row: SqlRow, column: string): Date | undefined {
  const timeMs = optional(row, column, numberOf);
  return timeMs === undefined ? undefined : new Date(timeMs);
}

function damaged(column: string): SecretError {
  return new SecretError("PAYLOAD_CORRUPT", `the store holds a row whose column ${column} cannot be read`);
}
