import { createHash } from "node:crypto";

/**
 * The advisory locks that stand for names, in the one order everybody takes them in, so that no two wait for each
 * other. Locks belong to a database and not to a schema, so the schema is part of the key; two names that share a key
 * by chance only wait more than they must.
 */
export function lockKeys(schema: string, names: Iterable<string>): readonly bigint[] {
  const keys = new Set<bigint>();
  for (const name of names) {
    keys.add(createHash("sha256").update(`${schema}\0${name}`).digest().readBigInt64BE());
  }
  return [...keys].sort((a, b) => (a < b ? -1 : 1));
}

/** The keys as PostgreSQL writes an array. */
export function formatKeys(keys: readonly bigint[]): string {
  return `{${keys.join(",")}}`;
}
