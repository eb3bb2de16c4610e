import type { Awaitable, WriteOptions, WriteReply } from "../contract/secret-manager.js";
import type { Payload } from "../domain/payload.js";
import type { Tags } from "../domain/secret.js";
import { SecretError } from "../domain/secret-error.js";
import { recallAnswer, rememberAnswer, writeRequest } from "./answered-requests.js";
import { andThen, andThenAll } from "./awaitable.js";
import { logChange } from "./changes.js";
import { findLive, type Generation, insertGeneration, newGeneration, updateGeneration } from "./generations.js";
import { checkWriteExpectation } from "./preconditions.js";
import type { SqlTransaction } from "./sql-database.js";
import { sealPayload, type StoreCall, type StoreContext } from "./store-context.js";
import { insertVersion, pruneVersions } from "./versions.js";

/** What to write. */
export interface StoreWrite {
  readonly name: string;
  readonly value: Payload;
  readonly options: WriteOptions;
}

/**
 * Writes a version; a pending deletion of the name does not stand in the way, as this is another generation.
 * @throws SecretError `VERSION_MISMATCH`, `SECRET_EXISTS`, `IDEMPOTENCY_CONFLICT`
 */
export function writeSecret(
  [context, transaction]: readonly [StoreContext, SqlTransaction],
  { name, value, options }: StoreWrite,
  { principal }: StoreCall,
): Awaitable<WriteReply> {
  const request = writeRequest({ digestKey: context.digestKey, principal }, { name, value }, options);
  const locked = transaction.lockNames([name]);
  const found = [locked, recallAnswer(transaction, request), findLive(transaction, name)] as const;
  return andThenAll(found, ([, earlier, live]): Awaitable<WriteReply> => {
    if (earlier !== undefined) return earlier as WriteReply;
    checkWriteExpectation(name, options.expectedVersion, live);
    const { description, tags, expireTime, activate } = options;
    const change: VersionChange = { value, description, tags, expiresAt: expireTime?.getTime(), activate, principal };
    const born = { name, description, tags, createdAt: context.now(), changedBy: principal };
    const added = addVersion([context, transaction], live ?? newGeneration(born), change);
    return andThen(added, ({ reply }) =>
      andThen(rememberAnswer(transaction, request, { reply, atMs: context.now() }), () => reply),
    );
  });
}

/** What one version brings. */
export interface VersionChange {
  readonly value: Payload;
  /** Kept as it was when undefined. */
  readonly description?: string | undefined;
  /** Kept as they were when undefined. */
  readonly tags?: Tags | undefined;
  readonly expiresAt?: number | undefined;
  /** Whether the version becomes the active one; true when undefined. */
  readonly activate?: boolean | undefined;
  readonly principal: string | undefined;
}

/** A version that was added, and its generation as it is now. */
export interface AddedVersion {
  readonly reply: WriteReply;
  readonly generation: Generation;
}

const maxVersion = 0xffff_ffff;

/** Adds a version to a generation that is locked, or is new and stored with it, and logs the change. */
export function addVersion(
  [context, transaction]: readonly [StoreContext, SqlTransaction],
  generation: Generation,
  change: VersionChange,
): Awaitable<AddedVersion> {
  const version = generation.lastVersion + 1;
  if (version > maxVersion) throw new SecretError("MANAGER_QUOTA", "the secret has no version numbers left");
  const nowMs = context.now();
  const isActive = change.activate !== false;
  const changed: Generation = {
    ...generation,
    lastVersion: version,
    activeVersion: isActive ? version : generation.activeVersion,
    description: change.description ?? generation.description,
    tags: change.tags ?? generation.tags,
    updatedAt: nowMs,
    changedBy: change.principal,
  };
  const { value, expiresAt } = change;
  return andThen(sealPayload(context, generation, { version, value }), (sealed) => {
    const times = { createdAt: nowMs, expiresAt, destroyedAt: undefined };
    const done = [
      version === 1 ? insertGeneration(transaction, changed) : updateGeneration(transaction, changed),
      insertVersion(transaction, generation.uid, { version, ...times, isText: typeof value === "string", sealed }),
      pruneVersions(transaction, changed, context.maxVersionsPerSecret),
    ] as const;
    return andThenAll(done, () => {
      logChange(transaction, { kind: "changed", generation }, nowMs);
      return { reply: replyOf(changed, { isActive, expiresAt }), generation: changed };
    });
  });
}

function replyOf(
  { uid, lastVersion, updatedAt }: Generation,
  { isActive, expiresAt }: { readonly isActive: boolean; readonly expiresAt: number | undefined },
): WriteReply {
  const reply = { uid, version: lastVersion, active: isActive, createTime: new Date(updatedAt) };
  // Left out rather than undefined, as a repetition is answered from JSON.
  return expiresAt === undefined ? reply : { ...reply, expireTime: new Date(expiresAt) };
}
