import { readFileSync, statSync } from "node:fs";
import type { EncryptionConfig, PassphraseConfig } from "../config/config.js";
import { SecretError } from "../domain/secret-error.js";
import { FileKeyring } from "../encryption/file-keyring.js";
import type { KeyProvider } from "../encryption/key-provider.js";
import type { Passphrase } from "../encryption/passphrase-key.js";
import { createTextKeys } from "../encryption/text-keys.js";
import type { CipherRequest } from "../store/store-cipher.js";

/** Nobody but the owner may do anything with a passphrase's file. */
const othersMask = 0o077;

/**
 * Opens the key of a store. A file of keys is made when the store begins: another key could not open what is there.
 * @param onNote told what the owner should know
 * @throws SecretError `CONFIG_INVALID`, `MANAGER_UNAVAILABLE`
 */
export async function openKeyProvider(
  encryption: EncryptionConfig,
  { storeId, isNew }: CipherRequest,
  onNote: (note: string) => void,
): Promise<KeyProvider> {
  switch (encryption.kind) {
    case "file":
      return new FileKeyring(encryption.path, { mayCreate: isNew, onNote });
    case "environment":
      return createTextKeys(readVariable(encryption.variable), `the variable ${encryption.variable}`);
    case "passphrase": {
      const { createPassphraseKey } = await import("../encryption/passphrase-key.js");
      return await createPassphraseKey(readPassphrase(encryption), storeId);
    }
    case "kms": {
      // Loaded only here, as a client for gRPC comes with it.
      const { KmsV2Provider } = await import("../encryption/kms-v2-provider.js");
      return await KmsV2Provider.open(encryption.socket);
    }
  }
}

function readPassphrase(config: PassphraseConfig): Passphrase {
  if ("variable" in config) {
    return { text: readVariable(config.variable), description: `the variable ${config.variable}` };
  }
  return { text: readOwnLine(config.path), description: config.path };
}

/** The text of a file without its last line break. */
function readOwnLine(path: string): string {
  try {
    if ((statSync(path).mode & othersMask) === 0) return readFileSync(path, "utf8").replace(/\r?\n$/u, "");
  } catch (cause) {
    throw invalid(`the passphrase's file ${path} cannot be read`, cause);
  }
  throw invalid(`the passphrase's file ${path} can be read or changed by other users; run "chmod 600 ${path}"`);
}

function readVariable(name: string): string {
  const text = process.env[name];
  if (text !== undefined) return text;
  throw invalid(`the variable ${name} with the store's key is not set`);
}

function invalid(message: string, cause?: unknown): SecretError {
  return new SecretError("CONFIG_INVALID", message, { cause });
}
