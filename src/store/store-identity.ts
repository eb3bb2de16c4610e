import { randomBytes, randomUUID } from "node:crypto";
import type { Awaitable } from "../contract/secret-manager.js";
import { isSecretError, SecretError } from "../domain/secret-error.js";
import { bytesOf, textOf } from "./row-values.js";
import type { SqlRow, SqlTransaction } from "./sql-database.js";
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

const findSql = "SELECT store_id, digest_key_id, digest_wrapped_key, digest_ciphertext FROM store WHERE id = 1";
const insertSql = `INSERT INTO store (id, store_id, created_at, revision, compacted_revision, digest_key_id,
  digest_wrapped_key, digest_ciphertext) VALUES (1, ?, ?, 0, 0, ?, ?, ?)`;

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
  await transaction.lockNames([lockName]);
  const [row] = await transaction.all(findSql);
  return row === undefined ? await begin(transaction, openCipher, nowMs) : await recognise(row, openCipher);
}

async function begin(transaction: SqlTransaction, openCipher: OpenCipher, nowMs: number): Promise<StoreIdentity> {
  const storeId = randomUUID();
  const cipher = await openCipher({ storeId, isNew: true });
  const digestKey = new Uint8Array(randomBytes(digestKeyBytes));
  const { keyId, wrappedKey, ciphertext } = await cipher.seal(digestBinding(storeId), new Uint8Array(digestKey));
  await transaction.run(insertSql, [storeId, nowMs, keyId, wrappedKey, ciphertext]);
  return { storeId, digestKey, cipher };
}

async function recognise(row: SqlRow, openCipher: OpenCipher): Promise<StoreIdentity> {
  const storeId = textOf(row, "store_id");
  const cipher = await openCipher({ storeId, isNew: false });
  const sealed = sealedDigestOf(row);
  try {
    return { storeId, digestKey: await cipher.open(digestBinding(storeId), sealed), cipher };
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
  await transaction.lockNames([lockName]);
  const [row] = await transaction.all(findSql);
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
