import { closeSync, openSync, readSync } from "node:fs";
import type { ManagerConfig, StoreConfig } from "../config/config.js";
import { SecretError } from "../domain/secret-error.js";
import type { KeyProvider } from "../encryption/key-provider.js";
import { PayloadCipher } from "../encryption/payload-cipher.js";
import { type BackupInput, restoreBackup, verifyBackup } from "../store/backup/restore-backup.js";
import { type BackupSummary, writeBackup } from "../store/backup/write-backup.js";
import { type OpenCipher, recogniseStore } from "../store/store-identity.js";
import { openKeyProvider } from "./open-key-provider.js";
import { openStoreDatabase, storeOf } from "./open-store-database.js";
import { writeWholeFile } from "./write-whole-file.js";

/**
 * Writes a backup of the configured store, which a broker may serve meanwhile. The file is there as a whole or not at all.
 * @param path must not exist yet
 * @throws SecretError `CONFIG_INVALID`, `MANAGER_UNAVAILABLE`
 */
export async function backUpStore(manager: ManagerConfig, path: string): Promise<BackupSummary> {
  const config = storeOf(manager);
  return await withKeys(config, async (openCipher) => {
    const database = await openStoreDatabase(config, { isGuest: true });
    try {
      const identity = await recogniseStore(database, openCipher);
      return await writeWholeFile(path, "the backup", (write) => writeBackup({ database, ...identity }, write));
    } finally {
      await database.close();
    }
  });
}

/**
 * Reads a whole backup and opens everything in it with the configured key.
 * @throws SecretError `PAYLOAD_CORRUPT`, `CONFIG_INVALID`
 */
export async function verifyStoreBackup(manager: ManagerConfig, path: string): Promise<BackupSummary> {
  return await withKeys(storeOf(manager), (openCipher) => withInput(path, (input) => verifyBackup(input, openCipher)));
}

/**
 * Verifies a backup and brings it back into the configured store, which must be empty.
 * @throws SecretError `PAYLOAD_CORRUPT`, `CONFIG_INVALID`, `MANAGER_UNAVAILABLE`; nothing has been changed then
 */
export async function restoreStore(manager: ManagerConfig, path: string): Promise<BackupSummary> {
  const config = storeOf(manager);
  return await withKeys(config, (openCipher) =>
    withInput(path, async (input) => {
      const summary = await verifyBackup(input, openCipher);
      const database = await openStoreDatabase(config, { isGuest: false });
      await restoreBackup(input, database, openCipher).finally(() => database.close());
      return summary;
    }),
  );
}

async function withKeys<T>({ encryption }: StoreConfig, work: (openCipher: OpenCipher) => Promise<T>): Promise<T> {
  const providers: KeyProvider[] = [];
  try {
    return await work(async (request) => {
      const provider = await openKeyProvider(encryption, request, () => undefined);
      providers.push(provider);
      return new PayloadCipher(provider);
    });
  } finally {
    for (const provider of providers) provider.close?.();
  }
}

async function withInput<T>(path: string, work: (input: BackupInput) => Promise<T>): Promise<T> {
  const fd = withFile(path, "cannot be read", () => openSync(path, "r"));
  try {
    return await work({
      open: () => {
        let position = 0;
        return (length) => {
          const bytes = readAt(fd, length, position);
          position += bytes.length;
          return bytes;
        };
      },
    });
  } finally {
    closeSync(fd);
  }
}

/** A length that somebody made up must not take the memory for it. */
const chunkBytes = 1024 * 1024;

function readAt(fd: number, length: number, position: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let done = 0;
  while (done < length) {
    const chunk = Buffer.alloc(Math.min(chunkBytes, length - done));
    const count = readSync(fd, chunk, 0, chunk.length, position + done);
    if (count === 0) break;
    chunks.push(chunk.subarray(0, count));
    done += count;
  }
  return Buffer.concat(chunks);
}

function withFile<T>(path: string, predicate: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new SecretError("CONFIG_INVALID", `the backup ${path} ${predicate}`, { cause });
  }
}

export type { BackupSummary };
