import { existsSync } from "node:fs";
import type { KeyConfig, ManagerConfig } from "../config/config.js";
import { SecretError } from "../domain/secret-error.js";
import { FileKeyring } from "../encryption/file-keyring.js";
import type { KeyProvider } from "../encryption/key-provider.js";
import { PayloadCipher } from "../encryption/payload-cipher.js";
import { createTextKeys } from "../encryption/text-keys.js";
import { SqliteDatabase } from "../managers/sqlite/sqlite-database.js";
import { openStore } from "../store/open-store.js";
import type { SecretStore } from "../store/secret-store.js";
import { SteadyClock } from "../store/steady-clock.js";

/** The most bytes of opened payloads to keep in memory. */
const cacheBytes = 64 * 1024 * 1024;

/**
 * Opens the store in a file, with its key; both are made on the first start.
 * @param onNote told what the owner should know
 * @throws SecretError `CONFIG_INVALID`, `PAYLOAD_CORRUPT`, `MANAGER_UNAVAILABLE`
 */
export async function openSqliteStore(
  { path, key }: ManagerConfig & { readonly kind: "sqlite" },
  onNote: (note: string) => void,
): Promise<SecretStore> {
  // Another key could not open what is there already, so none is made for it.
  const provider = openKeyProvider(key, { mayCreate: !existsSync(path), onNote });
  try {
    return await open(path, provider, onNote);
  } catch (error) {
    provider.close?.();
    throw error;
  }
}

async function open(path: string, provider: KeyProvider, onNote: (note: string) => void): Promise<SecretStore> {
  const store = await openStore(new SqliteDatabase(path), {
    managerName: "sqlite",
    cipher: new PayloadCipher(provider),
    clock: new SteadyClock(),
    cacheBytes,
    onNote,
    onClose: () => {
      provider.close?.();
    },
  });
  provider.onRotation?.(() => {
    store.maintenance.rewrapSoon();
  });
  store.maintenance.start();
  return store;
}

function openKeyProvider(
  key: KeyConfig,
  options: { readonly mayCreate: boolean; readonly onNote: (note: string) => void },
): KeyProvider {
  if (key.kind === "file") return new FileKeyring(key.path, options);
  const text = process.env[key.variable];
  if (text !== undefined) return createTextKeys(text, `the variable ${key.variable}`);
  throw new SecretError("CONFIG_INVALID", `the variable ${key.variable} with the encryption key is not set`);
}
