import type { EncryptionConfig } from "../config/config.js";
import type { KeyProvider } from "../encryption/key-provider.js";
import { PayloadCipher } from "../encryption/payload-cipher.js";
import { openStore } from "../store/open-store.js";
import type { SecretStore } from "../store/secret-store.js";
import type { SqlDatabase } from "../store/sql-database.js";
import { SteadyClock } from "../store/steady-clock.js";
import { openKeyProvider } from "./open-key-provider.js";

/** How the store of a database is opened. */
export interface EncryptedStoreOptions {
  /** What messages call the store, such as `sqlite`. */
  readonly managerName: string;
  readonly encryption: EncryptionConfig;
  /** The most bytes of opened payloads to keep in memory; 0 for a database that others change too. */
  readonly cacheBytes: number;
  /** Told what the owner should know. */
  readonly onNote: (note: string) => void;
}

/**
 * Opens the store in a database with its key; the database belongs to it from then on.
 * @throws SecretError `CONFIG_INVALID`, `PAYLOAD_CORRUPT`, `MANAGER_UNAVAILABLE`
 */
export async function openEncryptedStore(
  database: SqlDatabase,
  { managerName, encryption, cacheBytes, onNote }: EncryptedStoreOptions,
): Promise<SecretStore> {
  const providers: KeyProvider[] = [];
  const closeKeys = (): void => {
    for (const provider of providers) provider.close?.();
  };
  try {
    const store = await openStore(database, {
      managerName,
      openCipher: async (request) => {
        const provider = await openKeyProvider(encryption, request, onNote);
        providers.push(provider);
        return new PayloadCipher(provider);
      },
      clock: new SteadyClock(),
      cacheBytes,
      onNote,
      onClose: closeKeys,
    });
    for (const provider of providers) {
      provider.onRotation?.(() => {
        store.maintenance.rewrapSoon();
      });
    }
    return store;
  } catch (error) {
    closeKeys();
    throw error;
  }
}
