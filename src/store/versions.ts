import type { Awaitable } from "../contract/secret-manager.js";
import type { VersionDescription } from "../domain/secret.js";
import type { Generation } from "./generations.js";
import { bytesOf, dateOf, numberOf, optional, textOf } from "./row-values.js";
import type { SqlRow, SqlSession } from "./sql-database.js";
import type { SealedPayload } from "./store-cipher.js";

/** One version as the store keeps it. */
export interface StoredVersion {
  readonly version: number;
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  readonly destroyedAt: number | undefined;
  readonly isText: boolean;
  /** Undefined once it is destroyed. */
  readonly sealed: SealedPayload | undefined;
}

const columns = "version, created_at, expires_at, destroyed_at, is_text, key_id, wrapped_key, ciphertext";
const findSql = `SELECT ${columns} FROM versions WHERE uid = ? AND version = ?`;
const insertSql = `INSERT INTO versions (uid, version, created_at, expires_at, is_text, key_id, wrapped_key, ciphertext)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
const describeSql = `SELECT version, created_at, expires_at, destroyed_at FROM versions WHERE uid = ? ORDER BY version`;
const destroySql = `UPDATE versions SET destroyed_at = ?, key_id = NULL, wrapped_key = NULL, ciphertext = NULL
  WHERE uid = ? AND version = ? AND destroyed_at IS NULL`;
const expireSql = `UPDATE versions SET expires_at = ?
  WHERE uid = ? AND version = ? AND (expires_at IS NULL OR expires_at > ?)`;
const pruneSql = "DELETE FROM versions WHERE uid = ? AND version <= ? AND version <> ?";

/** A version from its row. */
export function storedVersionOf(row: SqlRow): StoredVersion {
  const keyId = optional(row, "key_id", textOf);
  return {
    version: numberOf(row, "version"),
    createdAt: numberOf(row, "created_at"),
    expiresAt: optional(row, "expires_at", numberOf),
    destroyedAt: optional(row, "destroyed_at", numberOf),
    isText: numberOf(row, "is_text") === 1,
    sealed: keyId === undefined ? undefined : { keyId, ...wrappedOf(row) },
  };
}

function wrappedOf(row: SqlRow): Omit<SealedPayload, "keyId"> {
  return { wrappedKey: bytesOf(row, "wrapped_key"), ciphertext: bytesOf(row, "ciphertext") };
}

/** A version by its number, destroyed or not. */
export async function findVersion(
  session: SqlSession,
  uid: string,
  version: number,
): Promise<StoredVersion | undefined> {
  const [row] = await session.all(findSql, [uid, version]);
  return row && storedVersionOf(row);
}

/** Adds a version. */
export function insertVersion(
  session: SqlSession,
  uid: string,
  added: StoredVersion & { readonly sealed: SealedPayload },
): Awaitable<unknown> {
  const { version, createdAt, expiresAt, isText, sealed } = added;
  const { keyId, wrappedKey, ciphertext } = sealed;
  return session.run(insertSql, [
    ...[uid, version, createdAt, expiresAt ?? null, isText ? 1 : 0],
    ...[keyId, wrappedKey, ciphertext],
  ]);
}

/** All versions of a generation without their payloads, oldest first. */
export async function describeVersions(
  session: SqlSession,
  { uid, activeVersion }: Generation,
): Promise<readonly VersionDescription[]> {
  const rows = await session.all(describeSql, [uid]);
  return rows.map((row) => ({
    uid,
    version: numberOf(row, "version"),
    active: row["version"] === activeVersion,
    createTime: dateOf(row, "created_at"),
    expireTime: dateOf(row, "expires_at"),
    destroyTime: dateOf(row, "destroyed_at"),
  }));
}

/** Removes a version's payload; false when there is none. */
export async function destroyVersion(
  session: SqlSession,
  { uid, version }: { readonly uid: string; readonly version: number },
  nowMs: number,
): Promise<boolean> {
  return (await session.run(destroySql, [nowMs, uid, version])) > 0;
}

/** Lets a version stop being readable, unless it does so earlier. */
export async function expireVersion(
  session: SqlSession,
  { uid, version }: { readonly uid: string; readonly version: number },
  expiresAt: number,
): Promise<void> {
  await session.run(expireSql, [expiresAt, uid, version, expiresAt]);
}

/** Removes the oldest versions of a generation beyond so many, but not the active one. */
export function pruneVersions(session: SqlSession, generation: Generation, keep: number): Awaitable<unknown> {
  const { uid, lastVersion, activeVersion } = generation;
  return lastVersion > keep ? session.run(pruneSql, [uid, lastVersion - keep, activeVersion ?? 0]) : undefined;
}

/** Whether a version may be read. */
export function isReadable(version: StoredVersion, nowMs: number): boolean {
  return version.destroyedAt === undefined && (version.expiresAt === undefined || version.expiresAt > nowMs);
}
