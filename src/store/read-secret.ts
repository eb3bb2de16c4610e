import type { BatchRead, BatchReadReply, DescribeReply, ReadReply } from "../contract/secret-manager.js";
import { SecretError } from "../domain/secret-error.js";
import {
  describeGeneration,
  findLive,
  findRestorable,
  type Generation,
  generationColumns,
  generationNamed,
  onlyLive,
  sortKey,
} from "./generations.js";
import { secretDeleted } from "./preconditions.js";
import { numberOf } from "./row-values.js";
import type { SqlSession } from "./sql-database.js";
import { openPayload, type StoreContext } from "./store-context.js";
import { describeVersions, findVersion, isReadable, type StoredVersion, storedVersionOf } from "./versions.js";

type Look = readonly [StoreContext, SqlSession];

/** Both rows at once, as this is what reads are. */
const findActiveSql = `SELECT ${generationColumns}, v.version AS version, v.created_at AS version_created_at,
  v.expires_at AS expires_at, v.destroyed_at AS destroyed_at, v.is_text AS is_text, v.key_id AS key_id,
  v.wrapped_key AS wrapped_key, v.ciphertext AS ciphertext
  FROM generations g LEFT JOIN versions v ON v.uid = g.uid AND v.version = g.active_version
  WHERE g.sort_key = ? AND g.deleted_at IS NULL`;

/**
 * Reads the active version; undefined is confirmed absence, of an expired version too.
 * @throws SecretError `SECRET_DELETED` while the name can be restored, `PAYLOAD_CORRUPT`
 */
export async function readSecret([context, session]: Look, name: string): Promise<ReadReply | undefined> {
  const row = onlyLive(name, await session.all(findActiveSql, [sortKey(name)]));
  if (row === undefined) {
    await assertNotDeleted([context, session], name);
    return undefined;
  }
  const generation = generationNamed(name, row);
  if (row["version"] === null || row["version"] === undefined) return undefined;
  const version = storedVersionOf({ ...row, created_at: numberOf(row, "version_created_at") });
  return await openVersion(context, generation, version);
}

/** Reads one version of the generation that lives; undefined when it is not there, expired or destroyed. */
export async function readSecretVersion(
  [context, session]: Look,
  name: string,
  version: number,
): Promise<ReadReply | undefined> {
  const live = await findLive(session, name);
  if (live === undefined) {
    await assertNotDeleted([context, session], name);
    return undefined;
  }
  const stored = await findVersion(session, live.uid, version);
  return stored && (await openVersion(context, live, stored));
}

/** Reads several secrets from the one point in time that the session shows; one that fails hides no other. */
export async function batchReadSecrets(look: Look, reads: readonly BatchRead[]): Promise<readonly BatchReadReply[]> {
  const replies: BatchReadReply[] = [];
  for (const { name, version } of reads) {
    try {
      const reading = version === undefined ? readSecret(look, name) : readSecretVersion(look, name, version);
      replies.push({ reply: await reading });
    } catch (error) {
      replies.push({ error });
    }
  }
  return replies;
}

/** Tells about a secret and its versions, of a deleted one while it can be restored. */
export async function describeSecret([context, session]: Look, name: string): Promise<DescribeReply | undefined> {
  const found = (await findLive(session, name)) ?? (await findRestorable(session, name, context.now()));
  if (found === undefined) return undefined;
  const versions = await describeVersions(session, found);
  const expireTime = versions.find(({ active }) => active)?.expireTime;
  return { ...describeGeneration(found, expireTime), versions };
}

async function openVersion(
  context: StoreContext,
  generation: Generation,
  version: StoredVersion,
): Promise<ReadReply | undefined> {
  const { sealed, expiresAt } = version;
  if (!isReadable(version, context.now())) return undefined;
  if (sealed === undefined) throw new SecretError("PAYLOAD_CORRUPT", "the store holds a version without a payload");
  const { uid, description, tags } = generation;
  return {
    value: await openPayload(context, generation, { ...version, sealed }),
    version: version.version,
    uid,
    createTime: new Date(version.createdAt),
    expireTime: expiresAt === undefined ? undefined : new Date(expiresAt),
    description,
    tags,
  };
}

async function assertNotDeleted([context, session]: Look, name: string): Promise<void> {
  const deleted = await findRestorable(session, name, context.now());
  if (deleted !== undefined) throw secretDeleted(deleted);
}
