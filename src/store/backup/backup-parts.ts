import { SecretError } from "../../domain/secret-error.js";
import type { SqlValue } from "../sql-database.js";

/** What a backup is a sequence of. */
export type BackupPart =
  | { readonly kind: "store"; readonly values: BackupRow }
  | { readonly kind: "rows"; readonly table: string; readonly rows: readonly BackupRow[] }
  | { readonly kind: "end"; readonly counts: Readonly<Record<string, number>> };

/** Values in the order of a table's columns. */
export type BackupRow = readonly SqlValue[];

/** A part as bytes, to be sealed. */
export function encodePart(part: BackupPart): Uint8Array {
  return Buffer.from(JSON.stringify(part, toText), "utf8");
}

/**
 * A part from its bytes.
 * @throws SecretError `PAYLOAD_CORRUPT` for what {@link encodePart} did not make
 */
export function decodePart(bytes: Uint8Array): BackupPart {
  try {
    // Sealed with the store's key: only a broker has made it.
    return JSON.parse(Buffer.from(bytes).toString("utf8"), toValue) as BackupPart;
  } catch (cause) {
    throw new SecretError("PAYLOAD_CORRUPT", "the backup holds what no broker wrote", { cause });
  }
}

/** Bytes as `{"b": base64}`; what a Buffer makes of itself comes first. */
function toText(this: unknown, key: string, value: unknown): unknown {
  const original: unknown = (this as Record<string, unknown>)[key];
  return original instanceof Uint8Array ? { b: Buffer.from(original).toString("base64") } : value;
}

function toValue(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("b" in value) || typeof value.b !== "string") return value;
  return new Uint8Array(Buffer.from(value.b, "base64"));
}
