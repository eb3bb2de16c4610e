import type { RotateReply } from "../contract/secret-manager.js";
import { equalPayloads, type Payload } from "../domain/payload.js";
import type { SecretDescription } from "../domain/secret.js";
import { SecretError } from "../domain/secret-error.js";
import { logChange } from "./changes.js";
import { deleteGeneration, describe } from "./delete-secret.js";
import { findLive, type Generation, newGeneration, updateGeneration } from "./generations.js";
import { checkActiveVersion, secretExists } from "./preconditions.js";
import type { SqlTransaction } from "./sql-database.js";
import { openPayload, type StoreCall, type StoreContext } from "./store-context.js";
import { expireVersion, findVersion, isReadable } from "./versions.js";
import { addVersion } from "./write-secret.js";

type Work = readonly [StoreContext, SqlTransaction];

/** How long the old name of a rotation can be restored. */
const recoveryWindowInDays = 7;

/** What to rotate. */
export interface StoreRotation {
  readonly currentName: string;
  readonly newName: string;
  readonly value: Payload;
  /** For how long the version before stays readable by its number, in milliseconds; undefined for as long as others. */
  readonly gracePeriodMs: number | undefined;
}

/**
 * Replaces a value. Under a new name the value is written, read back from the database and compared before the old name
 * is deleted; all of it in one transaction.
 * @throws SecretError `SECRET_NOT_FOUND`, `SECRET_EXISTS`, `PAYLOAD_CORRUPT`
 */
export async function rotateSecret(
  [context, transaction]: Work,
  rotation: StoreRotation,
  call: StoreCall,
): Promise<RotateReply> {
  const { currentName, newName } = rotation;
  await transaction.lockNames(currentName === newName ? [currentName] : [currentName, newName]);
  const current = await findLive(transaction, currentName);
  if (current === undefined) throw SecretError.notFound(currentName);
  const rotate = currentName === newName ? rotateInPlace : rotateAway;
  return await rotate([context, transaction], { ...rotation, current }, call);
}

interface Rotation extends StoreRotation {
  readonly current: Generation;
}

async function rotateInPlace(
  [context, transaction]: Work,
  { current, value, gracePeriodMs }: Rotation,
  { principal }: StoreCall,
): Promise<RotateReply> {
  const { activeVersion, uid } = current;
  const { reply } = await addVersion([context, transaction], current, { value, principal });
  if (gracePeriodMs === undefined || activeVersion === undefined) return reply;
  const readableUntil = context.now() + gracePeriodMs;
  await expireVersion(transaction, { uid, version: activeVersion }, readableUntil);
  return { ...reply, previousRestorableUntil: new Date(readableUntil) };
}

async function rotateAway(
  [context, transaction]: Work,
  { current, newName, value }: Rotation,
  { principal }: StoreCall,
): Promise<RotateReply> {
  const occupant = await findLive(transaction, newName);
  if (occupant !== undefined) throw secretExists(occupant);
  const { description, tags } = current;
  const born = { name: newName, description, tags, createdAt: context.now(), changedBy: principal };
  const change = { value, principal };
  const { reply, generation } = await addVersion([context, transaction], newGeneration(born), change);
  await assertReadBack([context, transaction], generation, value);
  const deletion = await deleteGeneration([context, transaction], current, { recoveryWindowInDays, principal });
  return { ...reply, previousRestorableUntil: deletion.restorableUntil };
}

async function assertReadBack([context, transaction]: Work, generation: Generation, value: Payload): Promise<void> {
  const stored = await findVersion(transaction, generation.uid, generation.lastVersion);
  if (stored?.sealed === undefined) throw readBackFailed(generation.name);
  const readBack = await openPayload(context, generation, { ...stored, sealed: stored.sealed });
  if (typeof readBack !== typeof value || !equalPayloads(readBack, value)) throw readBackFailed(generation.name);
}

/**
 * Makes a version the active one.
 * @throws SecretError `SECRET_NOT_FOUND`, `VERSION_NOT_FOUND`, `VERSION_MISMATCH`
 */
export async function activateSecretVersion(
  [context, transaction]: Work,
  { name, version, expectedVersion }: { name: string; version: number; expectedVersion: number | undefined },
  { principal }: StoreCall,
): Promise<SecretDescription> {
  await transaction.lockNames([name]);
  const live = await findLive(transaction, name);
  if (live === undefined) throw SecretError.notFound(name);
  checkActiveVersion(name, expectedVersion, live);
  const nowMs = context.now();
  const chosen = await findVersion(transaction, live.uid, version);
  if (chosen === undefined || !isReadable(chosen, nowMs)) throw SecretError.versionNotFound(name, version);
  const changed = { ...live, activeVersion: version, updatedAt: nowMs, changedBy: principal };
  await updateGeneration(transaction, changed);
  if (live.activeVersion !== version) logChange(transaction, { kind: "changed", generation: live }, nowMs);
  return await describe(transaction, changed);
}

function readBackFailed(name: string): SecretError {
  return new SecretError("PAYLOAD_CORRUPT", `secret "${name}" was not read back as it was written; nothing changed`, {
    metadata: { name },
  });
}
