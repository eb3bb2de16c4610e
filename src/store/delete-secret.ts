import type { DeleteOptions, DeleteReply } from "../contract/secret-manager.js";
import type { SecretDescription } from "../domain/secret.js";
import { SecretError } from "../domain/secret-error.js";
import { deleteRequest, recallAnswer, rememberAnswer } from "./answered-requests.js";
import { logChange } from "./changes.js";
import {
  deleteGenerationRow,
  describeGeneration,
  findGeneration,
  findLive,
  findRestorable,
  type Generation,
  lastDeletionOf,
  sortKey,
  updateGeneration,
} from "./generations.js";
import { checkActiveVersion, secretExists } from "./preconditions.js";
import type { SqlTransaction } from "./sql-database.js";
import type { StoreCall, StoreContext } from "./store-context.js";
import { destroyVersion, findVersion } from "./versions.js";

const dayMs = 86_400_000;

type Work = readonly [StoreContext, SqlTransaction];

/**
 * Deletes a secret: for a while it can be restored, or it is destroyed at once.
 * @throws SecretError `VERSION_MISMATCH`, `IDEMPOTENCY_CONFLICT`
 */
export async function deleteSecret(
  [context, transaction]: Work,
  { name, options }: { readonly name: string; readonly options: DeleteOptions },
  { principal }: StoreCall,
): Promise<DeleteReply> {
  const request = deleteRequest({ digestKey: context.digestKey, principal }, name, options);
  const [, earlier, live] = await Promise.all([
    transaction.lockNames([name]),
    recallAnswer(transaction, request),
    findLive(transaction, name),
  ]);
  if (earlier !== undefined) return earlier as DeleteReply;
  const { expectedVersion, recoveryWindowInDays } = options;
  if (live !== undefined) checkActiveVersion(name, expectedVersion, live);
  const reply: DeleteReply =
    live === undefined
      ? { status: "not_found" }
      : await deleteGeneration([context, transaction], live, { recoveryWindowInDays, principal });
  await rememberAnswer(transaction, request, { reply, atMs: context.now() });
  return reply;
}

/** Deletes a generation that lives and is locked. */
export async function deleteGeneration(
  [context, transaction]: Work,
  live: Generation,
  { recoveryWindowInDays, principal }: { recoveryWindowInDays: number; principal: string | undefined },
): Promise<DeleteReply> {
  const nowMs = context.now();
  const { uid } = live;
  if (recoveryWindowInDays === 0) {
    await destroyGeneration([context, transaction], live);
    return { status: "deleted", uid };
  }
  const restorableUntil = nowMs + recoveryWindowInDays * dayMs;
  // Two may be deleted in one millisecond, or by brokers whose clocks differ, and the last one is still the last one.
  const deletedAt = Math.max(nowMs, (await lastDeletionOf(transaction, live.name)) + 1);
  const deleted = { ...live, deletedAt, restorableUntil, updatedAt: nowMs, changedBy: principal };
  await updateGeneration(transaction, deleted);
  logChange(transaction, { kind: "removed", generation: live }, nowMs);
  return { status: "deleted", uid, restorableUntil: new Date(restorableUntil) };
}

/**
 * Brings back the generation deleted last, or the one asked for.
 * @throws SecretError `SECRET_NOT_FOUND`, `SECRET_EXISTS`
 */
export async function restoreSecret(
  [context, transaction]: Work,
  { name, uid }: { readonly name: string; readonly uid: string | undefined },
  { principal }: StoreCall,
): Promise<SecretDescription> {
  await transaction.lockNames([name]);
  const nowMs = context.now();
  const live = await findLive(transaction, name);
  const found =
    uid === undefined ? await findRestorable(transaction, name, nowMs) : await findGeneration(transaction, name, uid);
  if (found === undefined || (found.deletedAt !== undefined && (found.restorableUntil ?? 0) <= nowMs)) {
    if (live !== undefined && uid === undefined) throw secretExists(live);
    throw SecretError.notFound(name);
  }
  if (live !== undefined) throw secretExists(live);
  const restored: Generation = {
    ...found,
    deletedAt: undefined,
    restorableUntil: undefined,
    updatedAt: nowMs,
    changedBy: principal,
  };
  await updateGeneration(transaction, restored);
  logChange(transaction, { kind: "changed", generation: restored }, nowMs);
  return await describe(transaction, restored);
}

/**
 * Destroys one version of the secret that lives, or one generation of the name.
 * @throws SecretError `SECRET_NOT_FOUND`, `VERSION_NOT_FOUND`
 */
export async function destroySecret(
  [context, transaction]: Work,
  { name, target }: { readonly name: string; readonly target: { readonly version: number } | { readonly uid: string } },
  { principal }: StoreCall,
): Promise<void> {
  await transaction.lockNames([name]);
  if ("uid" in target) {
    const generation = await findGeneration(transaction, name, target.uid);
    if (generation === undefined) throw SecretError.notFound(name);
    await destroyGeneration([context, transaction], generation);
    return;
  }
  const live = await findLive(transaction, name);
  if (live === undefined) throw SecretError.notFound(name);
  const nowMs = context.now();
  const { version } = target;
  if (!(await destroyVersion(transaction, { uid: live.uid, version }, nowMs))) {
    throw SecretError.versionNotFound(name, version);
  }
  const wasActive = live.activeVersion === version;
  const activeVersion = wasActive ? undefined : live.activeVersion;
  await updateGeneration(transaction, { ...live, activeVersion, updatedAt: nowMs, changedBy: principal });
  if (wasActive) logChange(transaction, { kind: "removed", generation: live }, nowMs);
}

/** Removes a generation with everything it had. @param key what it is found by, if that is known not to be its name */
export async function destroyGeneration(
  [context, transaction]: Work,
  { uid, name, deletedAt }: Pick<Generation, "uid" | "name" | "deletedAt">,
  key: Uint8Array = sortKey(name),
): Promise<void> {
  await transaction.run("DELETE FROM versions WHERE uid = ?", [uid]);
  await deleteGenerationRow(transaction, { uid, key });
  if (deletedAt === undefined) logChange(transaction, { kind: "removed", generation: { uid, name } }, context.now());
}

/** Tells about a generation, with the expiry of its active version. */
export async function describe(transaction: SqlTransaction, generation: Generation): Promise<SecretDescription> {
  const { uid, activeVersion } = generation;
  const active = activeVersion === undefined ? undefined : await findVersion(transaction, uid, activeVersion);
  return describeGeneration(generation, active?.expiresAt === undefined ? undefined : new Date(active.expiresAt));
}
