import { randomUUID } from "node:crypto";
import type { Awaitable } from "../contract/secret-manager.js";
import type { SecretDescription, Tags } from "../domain/secret.js";
import { SecretError } from "../domain/secret-error.js";
import { andThen } from "./awaitable.js";
import { dateOf, numberOf, optional, textOf } from "./row-values.js";
import type { SqlRow, SqlSession } from "./sql-database.js";

/** One life of a name, as the store keeps it. */
export interface Generation {
  readonly uid: string;
  readonly name: string;
  /** Undefined until a version is activated, and when the active one was destroyed. */
  readonly activeVersion: number | undefined;
  readonly lastVersion: number;
  readonly description: string | undefined;
  readonly tags: Tags | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly changedBy: string | undefined;
  /** Undefined while it lives. */
  readonly deletedAt: number | undefined;
  readonly restorableUntil: number | undefined;
}

/** The columns {@link generationOf} reads. */
export const generationColumns: string = [
  ...["uid", "name", "active_version", "last_version", "description", "tags"],
  ...["created_at", "updated_at", "changed_by", "deleted_at", "restorable_until"],
]
  .map((column) => `g.${column} AS ${column}`)
  .join(", ");

/** A generation from its row. */
export function generationOf(row: SqlRow): Generation {
  return {
    uid: textOf(row, "uid"),
    name: textOf(row, "name"),
    activeVersion: optional(row, "active_version", numberOf),
    lastVersion: numberOf(row, "last_version"),
    description: optional(row, "description", textOf),
    tags: parseTags(optional(row, "tags", textOf)),
    createdAt: numberOf(row, "created_at"),
    updatedAt: numberOf(row, "updated_at"),
    changedBy: optional(row, "changed_by", textOf),
    deletedAt: optional(row, "deleted_at", numberOf),
    restorableUntil: optional(row, "restorable_until", numberOf),
  };
}

/**
 * A generation that was looked up by its name. Its payload is sealed under the name that its row holds, and so it must be
 * the one that was asked for. @throws SecretError `PAYLOAD_CORRUPT` when somebody changed the key it was found by
 */
export function generationNamed(name: string, row: SqlRow): Generation {
  const generation = generationOf(row);
  if (generation.name === name) return generation;
  throw new SecretError("PAYLOAD_CORRUPT", `the store holds another secret where "${name}" belongs`);
}

/**
 * The row of what lives under a name.
 * @throws SecretError `PAYLOAD_CORRUPT` when two do, which no writer makes: neither is more right than the other
 */
export function onlyLive(name: string, [row, another]: readonly SqlRow[]): SqlRow | undefined {
  if (another === undefined) return row;
  throw new SecretError("PAYLOAD_CORRUPT", `the store holds more than one secret under the name "${name}"`);
}

/** What is told of a generation. @param expireTime of its active version */
export function describeGeneration(generation: Generation, expireTime: Date | undefined): SecretDescription {
  const { name, uid, activeVersion, description, tags, changedBy } = generation;
  return {
    name,
    uid,
    activeVersion,
    createTime: new Date(generation.createdAt),
    updateTime: new Date(generation.updatedAt),
    expireTime,
    description,
    tags,
    changedBy,
    deleteTime: timeOf(generation.deletedAt),
    restorableUntil: timeOf(generation.restorableUntil),
  };
}

/** A description from a row that has `expires_at` of the active version beside the generation's columns. */
export function descriptionOf(row: SqlRow): SecretDescription {
  return describeGeneration(generationOf(row), dateOf(row, "expires_at"));
}

const findLiveSql = `SELECT ${generationColumns} FROM generations g WHERE g.sort_key = ? AND g.deleted_at IS NULL`;
const findDeletedSql = `SELECT ${generationColumns} FROM generations g
  WHERE g.sort_key = ? AND g.deleted_at IS NOT NULL AND g.restorable_until > ?
  ORDER BY g.deleted_at DESC, g.created_at DESC LIMIT 1`;
const lastDeletionSql = `SELECT deleted_at FROM generations
  WHERE sort_key = ? AND deleted_at IS NOT NULL ORDER BY deleted_at DESC LIMIT 1`;
const findByUidSql = `SELECT ${generationColumns} FROM generations g WHERE g.sort_key = ? AND g.uid = ?`;
const insertSql = `INSERT INTO generations (uid, name, sort_key, active_version, last_version, description, tags,
  created_at, updated_at, changed_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const updateSql = `UPDATE generations SET active_version = ?, last_version = ?, description = ?, tags = ?,
  updated_at = ?, changed_by = ?, deleted_at = ?, restorable_until = ? WHERE sort_key = ? AND uid = ?`;
const deleteSql = "DELETE FROM generations WHERE sort_key = ? AND uid = ?";

/** The generation that lives under a name. */
export function findLive(session: SqlSession, name: string): Awaitable<Generation | undefined> {
  return andThen(session.all(findLiveSql, [sortKey(name)]), (rows) => {
    const row = onlyLive(name, rows);
    return row && generationNamed(name, row);
  });
}

/** The generation deleted last under a name, while it can be restored. */
export async function findRestorable(
  session: SqlSession,
  name: string,
  nowMs: number,
): Promise<Generation | undefined> {
  return first(name, await session.all(findDeletedSql, [sortKey(name), nowMs]));
}

/** When a generation of a name was deleted last, of those that are still there; 0 when there is none. */
export async function lastDeletionOf(session: SqlSession, name: string): Promise<number> {
  const [row] = await session.all(lastDeletionSql, [sortKey(name)]);
  return row === undefined ? 0 : numberOf(row, "deleted_at");
}

/** A generation of a name by its uid, living or deleted. */
export async function findGeneration(session: SqlSession, name: string, uid: string): Promise<Generation | undefined> {
  return first(name, await session.all(findByUidSql, [sortKey(name), uid]));
}

/** A life of a name that begins, not stored yet. */
export function newGeneration(
  born: Pick<Generation, "name" | "description" | "tags" | "createdAt" | "changedBy">,
): Generation {
  return {
    ...born,
    uid: newUid(born.createdAt),
    activeVersion: undefined,
    lastVersion: 0,
    updatedAt: born.createdAt,
    deletedAt: undefined,
    restorableUntil: undefined,
  };
}

/** Stores a generation that is new. */
export function insertGeneration(session: SqlSession, born: Generation): Awaitable<unknown> {
  const { uid, name, activeVersion, lastVersion, description, tags, createdAt, updatedAt, changedBy } = born;
  return session.run(insertSql, [
    ...[uid, name, sortKey(name), activeVersion ?? null, lastVersion, description ?? null, formatTags(tags)],
    ...[createdAt, updatedAt, changedBy ?? null],
  ]);
}

/** Stores what has changed of a generation. */
export function updateGeneration(session: SqlSession, changed: Generation): Awaitable<unknown> {
  const { uid, name, activeVersion, lastVersion, description, tags, updatedAt, changedBy } = changed;
  return session.run(updateSql, [
    ...[activeVersion ?? null, lastVersion, description ?? null, formatTags(tags)],
    ...[updatedAt, changedBy ?? null, changed.deletedAt ?? null, changed.restorableUntil ?? null],
    ...[sortKey(name), uid],
  ]);
}

/** Removes a generation; its versions must be gone. */
export function deleteGenerationRow(
  session: SqlSession,
  { uid, key }: { readonly uid: string; readonly key: Uint8Array },
): Awaitable<unknown> {
  return session.run(deleteSql, [key, uid]);
}

/** A name as bytes that sort as JavaScript sorts strings: UTF-16, most significant byte first. */
export function sortKey(name: string): Uint8Array {
  return Buffer.from(name, "utf16le").swap16();
}

/** A UUID of version 7 (RFC 9562): it begins with the time, so that what is written together lies together. */
function newUid(timeMs: number): string {
  const time = timeMs.toString(16).padStart(12, "0");
  // One of version 4 is all random but for the version, and the variant is the same.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

function first(name: string, [row]: readonly SqlRow[]): Generation | undefined {
  return row && generationNamed(name, row);
}

function formatTags(tags: Tags | undefined): string | null {
  return tags === undefined ? null : JSON.stringify(Object.entries(tags));
}

/** Pairs, as any key must be possible, those that every object has included. */
function parseTags(text: string | undefined): Tags | undefined {
  if (text === undefined) return undefined;
  try {
    const pairs: unknown = JSON.parse(text);
    if (Array.isArray(pairs) && pairs.every(isPair)) {
      return Object.freeze(Object.assign(Object.create(null) as Record<string, string>, Object.fromEntries(pairs)));
    }
  } catch {
    // Falls through: Node's message would quote the text.
  }
  throw new SecretError("PAYLOAD_CORRUPT", "the store holds tags that cannot be read");
}

function isPair(pair: unknown): pair is [string, string] {
  return Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === "string");
}

function timeOf(timeMs: number | undefined): Date | undefined {
  return timeMs === undefined ? undefined : new Date(timeMs);
}
