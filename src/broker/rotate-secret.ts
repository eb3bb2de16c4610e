import type { RotateReply } from "../contract/secret-manager.js";
import { equalPayloads, type Payload } from "../domain/payload.js";
import type { Secret } from "../domain/secret.js";
import { SecretError } from "../domain/secret-error.js";
import type { SecretName } from "../domain/secret-name.js";
import type { Call } from "./call.js";
import type { Options } from "./guarded-call.js";
import type { GuardedManager } from "./guarded-manager.js";

/** What to rotate, and to what. */
export interface RotateRequest {
  readonly name: SecretName;
  /** May be the same. */
  readonly newName: SecretName;
  readonly payload: Payload;
  readonly gracePeriodMs?: number | undefined;
  readonly options?: Options | undefined;
}

/** For how long the old name can be brought back after a rotation; the reference's number. */
const recoveryWindowInDays = 7;

/**
 * Rotates by the manager's own means, or safely without them.
 *
 * The reference writes the new name and then deletes the old one, even when they are the same, and so loses the key;
 * and it never compares what it reads back. Here the same name gets a new value and nothing is deleted, and another
 * name is written, read back and compared before the old one goes. A rotation that failed after its write can be
 * repeated: a new name that already holds the new bytes is taken as written.
 * @throws SecretError `SECRET_NOT_FOUND`, `SECRET_EXISTS`, `PAYLOAD_CORRUPT`, `CAPABILITY_UNSUPPORTED`
 */
export async function rotateSecret(manager: GuardedManager, call: Call, request: RotateRequest): Promise<RotateReply> {
  if (manager.capabilities.has("rotate")) return await manager.rotate(call, request, request);
  if (request.gracePeriodMs !== undefined) manager.assertSupports("grace_period");
  manager.assertSupports("write");
  if (request.newName !== request.name) manager.assertSupports("delete");
  const current = await manager.read(call, { name: request.name, options: request.options, maxStalenessMs: 0 });
  if (current === undefined) throw SecretError.notFound(request.name);
  return request.newName === request.name
    ? await write(manager, call, { request, current })
    : await move(manager, call, { request, current });
}

/** A rotation under way. */
interface Rotation {
  readonly request: RotateRequest;
  readonly current: Secret;
}

/** Description and tags carry over from the secret that is rotated. */
async function write(manager: GuardedManager, call: Call, { request, current }: Rotation): Promise<RotateReply> {
  const { newName, name, payload, options } = request;
  const isNew = newName !== name && manager.capabilities.has("preconditions");
  return await manager.write(
    call,
    { name: newName, options },
    { payload, description: current.description, tags: current.tags, ...(isNew && { expectedVersion: 0 }) },
  );
}

async function move(manager: GuardedManager, call: Call, rotation: Rotation): Promise<RotateReply> {
  const { name, newName, payload, options } = rotation.request;
  const taken = await manager.read(call, { name: newName, options, maxStalenessMs: 0 });
  if (taken !== undefined && !equalPayloads(taken.payload, payload)) throw existsAlready(newName);
  const written = taken ?? (await write(manager, call, rotation));
  const readBack = await manager.read(call, { name: newName, options, maxStalenessMs: 0 });
  if (readBack === undefined || !equalPayloads(readBack.payload, payload)) throw corrupt(newName);
  const deletion = await manager.delete(call, { name, options }, { recoveryWindowInDays });
  const { version, uid, createTime, expireTime } = written;
  return { version, uid, createTime, expireTime, previousRestorableUntil: deletion.restorableUntil };
}

function existsAlready(name: string): SecretError {
  return new SecretError("SECRET_EXISTS", `secret "${name}" already exists with another value`, { metadata: { name } });
}

function corrupt(name: string): SecretError {
  return new SecretError(
    "PAYLOAD_CORRUPT",
    `secret "${name}" did not read back as it was written; nothing is deleted`,
    {
      metadata: { name },
    },
  );
}
