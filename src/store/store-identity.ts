import { randomBytes, randomUUID } from "node:crypto";
import type { Awaitable } from "../contract/secret-manager.js";
import { isSecretError, SecretError } from "../domain/secret-error.js";
import { latestRevisionSql } from "./changes.js";
import { bytesOf, numberOf, textOf } from "./row-values.js";
import type { SqlDatabase, SqlRow, SqlSession, SqlTransaction } from "./sql-database.js";
import type { CipherRequest, PayloadBinding, SealedPayload, StoreCipher } from "./store-cipher.js";

/** Who a store is, and what opens it. */
export interface StoreIdentity {
  readonly storeId: string;
  /** Requests are recognised by digests under this key. */
  readonly digestKey: Uint8Array;
  readonly cipher: StoreCipher;
}

/** Gives the cipher of a store. */
export type OpenCipher = (request: CipherRequest) => Awaitable<StoreCipher>;

const digestKeyBytes = 32;

/** The columns of the one row of `store`, but its id. */
export const storeColumns: readonly string[] = [
  ...["store_id", "created_at", "revision", "compacted_revision"],
  ...["digest_key_id", "digest_wrapped_key", "digest_ciphertext"],
];

const findSql = `SELECT ${storeColumns
  .map((column) => (column === "revision" ? `${latestRevisionSql} AS revision` : column))
  .join(", ")} FROM store WHERE id = 1`;
const insertSql = `INSERT INTO store (id, ${storeColumns.join(", ")}) VALUES (1, ?, ?, ?, ?, ?, ?, ?)`;

/** Never the name of a secret: those are not empty. */
const lockName = "";

/**
 * The identity of the store in a database, which is given one when it is empty.
 * @throws SecretError `CONFIG_INVALID` when the key does not open what is there; nothing has been changed then
 */
export async function identifyStore(
  transaction: SqlTransaction,
  openCipher: OpenCipher,
  nowMs: number,
): Promise<StoreIdentity> {
  await lockStore(transaction);
  const row = await readStoreRow(transaction);
  return row === undefined ? await begin(transaction, openCipher, nowMs) : await recognise(row, openCipher);
}

/**
 * The identity of a store that is there.
 * @throws SecretError `CONFIG_INVALID` when there is none, or the key does not open it
 */
export async function recogniseStore(database: SqlDatabase, openCipher: OpenCipher): Promise<StoreIdentity> {
  const row = await database.read(readStoreRow);
  if (row !== undefined) return await recognise(row, openCipher);
  throw new SecretError("CONFIG_INVALID", `${database.description} holds no store; a broker's first start makes it`);
}

/** Makes others wait who begin a store or bring one back. */
export async function lockStore(transaction: SqlTransaction): Promise<void> {
  await transaction.lockNames([lockName]);
}

/** The row of `store`; undefined before a store has begun. */
export async function readStoreRow(session: SqlSession): Promise<SqlRow | undefined> {
  const [row] = await session.all(findSql);
  return row;
}

/** Puts back the row of `store`; changes before are no longer known. @param revisionGap how many revisions are left out */
export async function insertStoreRow(transaction: SqlTransaction, row: SqlRow, revisionGap: number): Promise<void> {
  const revision = numberOf(row, "revision") + revisionGap;
  const anew: SqlRow = { ...row, revision, compacted_revision: revision };
  await transaction.run(
    insertSql,
    storeColumns.map((column) => anew[column] ?? null),
  );
}

async function begin(transaction: SqlTransaction, openCipher: OpenCipher, nowMs: number): Promise<StoreIdentity> {
  const storeId = randomUUID();
  const cipher = await openCipher({ storeId, isNew: true });
  const digestKey = new Uint8Array(randomBytes(digestKeyBytes));
  const { keyId, wrappedKey, ciphertext } = await cipher.seal(digestBinding(storeId), new Uint8Array(digestKey));
  await transaction.run(insertSql, [storeId, nowMs, 0, 0, keyId, wrappedKey, ciphertext]);
  return { storeId, digestKey, cipher };
}

async function recognise(row: SqlRow, openCipher: OpenCipher): Promise<StoreIdentity> {
  const storeId = textOf(row, "store_id");
  const cipher = await openCipher({ storeId, isNew: false });
  return { storeId, digestKey: await openDigestKey(row, cipher), cipher };
}

/**
 * The key that a store recognises requests by; whoever cannot open it has another encryption key.
 * @throws SecretError `CONFIG_INVALID`
 */
export async function openDigestKey(row: SqlRow, cipher: StoreCipher): Promise<Uint8Array> {
  const sealed = sealedDigestOf(row);
  try {
    return await cipher.open(digestBinding(textOf(row, "store_id")), sealed);
  } catch (cause) {
    if (!isSecretError(cause) || !isOtherKey(cause)) throw cause;
    const message = `the encryption key does not open the store; nothing was changed; configure the key "${sealed.keyId}" that it was written with`;
    throw new SecretError("CONFIG_INVALID", message, { cause });
  }
}

/** Whether the key is another one, and not merely out of reach. */
function isOtherKey({ reason, metadata }: SecretError): boolean {
  return reason === "PAYLOAD_CORRUPT" || (reason === "MANAGER_UNAVAILABLE" && "key_id" in metadata);
}

/** Wraps the digest key anew when the current key is another one. */
export async function rewrapDigestKey(transaction: SqlTransaction, cipher: StoreCipher): Promise<void> {
  await lockStore(transaction);
  const row = await readStoreRow(transaction);
  if (row === undefined || textOf(row, "digest_key_id") === (await cipher.currentKeyId())) return;
  const { keyId, wrappedKey } = await cipher.rewrap(digestBinding(textOf(row, "store_id")), sealedDigestOf(row));
  await transaction.run("UPDATE store SET digest_key_id = ?, digest_wrapped_key = ? WHERE id = 1", [keyId, wrappedKey]);
}

function sealedDigestOf(row: SqlRow): SealedPayload {
  return {
    keyId: textOf(row, "digest_key_id"),
    wrappedKey: bytesOf(row, "digest_wrapped_key"),
    ciphertext: bytesOf(row, "digest_ciphertext"),
  };
}

function digestBinding(storeId: string): PayloadBinding {
  return { storeId, uid: storeId, name: "", version: 1, isText: false };
}
