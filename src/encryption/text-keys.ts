import { SecretError } from "../domain/secret-error.js";
import { keyBytes } from "./authenticated-cipher.js";
import { keyIdOf } from "./key-id.js";
import type { KeyProvider } from "./key-provider.js";
import { type LocalKey, LocalKeys } from "./local-keys.js";

/**
 * Keys given as text, in base64 or hex: the current one, and after commas those it replaced.
 * @param description what messages call where the text is from
 * @throws SecretError `CONFIG_INVALID`
 */
export function createTextKeys(text: string, description: string): KeyProvider {
  return new LocalKeys(
    text.split(",").map((part) => decodeKey(part.trim(), description)),
    description,
  );
}

function decodeKey(text: string, description: string): LocalKey {
  const isHex = /^[0-9a-f]{64}$/iu.test(text);
  if (!isHex && !/^[A-Za-z0-9+/]{43}=?$/u.test(text)) throw invalid(description);
  // An own copy: short buffers are parts of one that is shared, and this one is overwritten in the end.
  const key = Uint8Array.from(Buffer.from(text, isHex ? "hex" : "base64"));
  return { id: keyIdOf(key), key };
}

function invalid(description: string): SecretError {
  const message = `the key in ${description} must be ${String(keyBytes)} random bytes in base64 or hex`;
  return new SecretError("CONFIG_INVALID", message);
}
