import { scryptSync } from "node:crypto";
import { SecretError } from "../domain/secret-error.js";
import { keyBytes } from "./authenticated-cipher.js";
import { keyIdOf } from "./file-keyring.js";
import type { KeyProvider } from "./key-provider.js";
import { LocalKeys } from "./local-keys.js";

/**
 * Keys given as text, in base64 or hex: the current one, and after commas those it replaced.
 * @throws SecretError `CONFIG_INVALID`
 */
export function createTextKeys(text: string, description: string): KeyProvider {
  const keys = text.split(",").map((part) => decodeKey(part.trim(), description));
  return fixedKeys(
    keys.map((key) => ({ id: keyIdOf(key), key })),
    description,
  );
}

/**
 * A key made of a passphrase with scrypt (RFC 7914) at 128 MiB and about half a second, so that guessing is dear.
 * @param salt of the store; not secret
 * @throws SecretError `CONFIG_INVALID` when the passphrase is shorter than 12 characters
 */
export function createPassphraseKey(passphrase: string, salt: string, description: string): KeyProvider {
  const minLength = 12;
  if (passphrase.length < minLength) {
    throw invalid(`the passphrase of ${description} must have at least ${String(minLength)} characters`);
  }
  const cost = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 };
  const key = new Uint8Array(scryptSync(passphrase.normalize("NFC"), `secret-broker:${salt}`, keyBytes, cost));
  return fixedKeys([{ id: `passphrase-${keyIdOf(key)}`, key }], description);
}

function fixedKeys(
  keys: readonly { readonly id: string; readonly key: Uint8Array }[],
  description: string,
): KeyProvider {
  const local = new LocalKeys(keys);
  return {
    description,
    currentKeyId: () => local.currentKeyId,
    wrap: (dataKey, context) => local.wrap(dataKey, context),
    unwrap: (wrapped, context) => local.unwrap(wrapped, context),
  };
}

function decodeKey(text: string, description: string): Uint8Array {
  const isHex = /^[0-9a-f]{64}$/iu.test(text);
  const key = Buffer.from(text, isHex ? "hex" : "base64");
  if (key.length === keyBytes && (isHex || /^[A-Za-z0-9+/]{43}=?$/u.test(text))) return new Uint8Array(key);
  throw invalid(`the key in ${description} must be ${String(keyBytes)} random bytes in base64 or hex`);
}

function invalid(message: string): SecretError {
  return new SecretError("CONFIG_INVALID", message);
}
