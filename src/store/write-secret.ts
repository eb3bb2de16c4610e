import type { WriteOptions, WriteReply } from "../contract/secret-manager.js";
import type { Payload } from "../domain/payload.js";
import type { Tags } from "../domain/secret.js";
import { SecretError } from "../domain/secret-error.js";
import { recallAnswer, rememberAnswer, writeRequest } from "./answered-requests.js";
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
export async function writeSecret(
  [context, transaction]: readonly [StoreContext, SqlTransaction],
  { name, value, options }: StoreWrite,
  { principal }: StoreCall,
): Promise<WriteReply> {
  const request = writeRequest({ digestKey: context.digestKey, principal }, { name, value }, options);
  const [, earlier, live] = await Promise.all([
    transaction.lockNames([name]),
    recallAnswer(transaction, request),
    findLive(transaction, name),
  ]);
  if (earlier !== undefined) return earlier as WriteReply;
  checkWriteExpectation(name, options.expectedVersion, live);
  const { description, tags, expireTime, activate } = options;
  const change: VersionChange = { value, description, tags, expiresAt: expireTime?.getTime(), activate, principal };
  const generation = live ?? newGeneration({ name, description, tags, createdAt: context.now(), changedBy: principal });
  const { reply } = await addVersion([context, transaction], generation, change);
  await rememberAnswer(transaction, request, { reply, atMs: context.now() });
  return reply;
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

const maxVersion = 0xffff_ffff;

/** Adds a version to a generation that is locked, or is new and stored with it, and logs the change. */
export async function addVersion(
  [context, transaction]: readonly [StoreContext, SqlTransaction],
  generation: Generation,
  change: VersionChange,
): Promise<{ readonly reply: WriteReply; readonly generation: Generation }> {
  const version = generation.lastVersion + 1;
  if (version > maxVersion) throw new SecretError("MANAGER_QUOTA", "the secret has no version numbers left");
  const nowMs = context.now();
  const { value, expiresAt } = change;
  const sealed = await sealPayload(context, generation, { version, value });
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
  const stored = { version, createdAt: nowMs, expiresAt, destroyedAt: undefined, isText: typeof value === "string" };
  await Promise.all([
    version === 1 ? insertGeneration(transaction, changed) : updateGeneration(transaction, changed),
    insertVersion(transaction, generation.uid, { ...stored, sealed }),
    pruneVersions(transaction, changed, context.maxVersionsPerSecret),
  ]);
  logChange(transaction, { kind: "changed", generation }, nowMs);
  const reply: WriteReply = {
    uid: generation.uid,
    version,
    active: isActive,
    createTime: new Date(nowMs),
    // Left out rather than undefined, as a repetition is answered from JSON.
    ...(expiresAt !== undefined && { expireTime: new Date(expiresAt) }),
  };
  return { reply, generation: changed };
}
