import { scrypt } from "node:crypto";
import { SecretError } from "../domain/secret-error.js";
import { keyBytes } from "./authenticated-cipher.js";
import { keyIdOf } from "./key-id.js";
import { LocalKeys } from "./local-keys.js";

/** A passphrase, and what messages call where it is from. */
export interface Passphrase {
  readonly text: string;
  readonly description: string;
}

/** scrypt (RFC 7914) at 128 MiB and some tenths of a second, so that guessing is dear. */
const cost = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 };

const minCharacters = 12;

/**
 * A key made of a passphrase.
 * @param storeId the salt, which no other store has; not secret
 * @throws SecretError `CONFIG_INVALID` when the passphrase is too short
 */
export async function createPassphraseKey({ text, description }: Passphrase, storeId: string): Promise<LocalKeys> {
  // The same letters can be written in several ways, depending on the keyboard.
  const normal = text.normalize("NFC");
  if (normal.length < minCharacters) {
    const message = `the passphrase of ${description} must have at least ${String(minCharacters)} characters`;
    throw new SecretError("CONFIG_INVALID", message);
  }
  const key = await deriveKey(normal, `secret-broker passphrase ${storeId}`);
  // The function and its cost belong to the id, should another ever take their place.
  return new LocalKeys([{ id: `scrypt-17-8-1-${keyIdOf(key)}`, key }], description);
}

async function deriveKey(text: string, salt: string): Promise<Uint8Array> {
  const derived = Promise.withResolvers<Uint8Array>();
  scrypt(text, salt, keyBytes, cost, (error, key) => {
    if (error === null) derived.resolve(new Uint8Array(key));
    else derived.reject(error);
  });
  return await derived.promise;
}
