import type { EncryptionConfig, ManagerConfig } from "../config/config.js";
import { SecretError } from "../domain/secret-error.js";
import { keyringIds, rotateKeyring } from "../encryption/keyring-file.js";
import type { SecretStore } from "../store/secret-store.js";
import { openEncryptedStore } from "./open-encrypted-store.js";
import { openStoreDatabase, storeOf } from "./open-store-database.js";

/** What a key is to its store: `missing` wraps something and is not configured. */
export type KeyState = "current" | "retired" | "missing";

/** A key of a store, without the key. */
export interface StoreKey {
  readonly id: string;
  readonly state: KeyState;
  /** How many versions it opens. */
  readonly versions: number;
  /** In ISO 8601; undefined where it is not known. */
  readonly createTime: string | undefined;
}

/**
 * The keys of the configured store, the current one first. A broker may serve the store meanwhile.
 * @throws SecretError `CONFIG_INVALID`, `MANAGER_UNAVAILABLE`
 */
export async function listStoreKeys(manager: ManagerConfig): Promise<readonly StoreKey[]> {
  const { encryption } = storeOf(manager);
  return await withStore(manager, async ({ maintenance }) => {
    const [counts, currentId] = [await maintenance.countByKey(), await maintenance.currentKeyId()];
    const configured = encryption.kind === "file" ? keyringIds(encryption.path) : [];
    const times = new Map(configured.map(({ id, createTime }) => [id, createTime]));
    const ids = new Set([currentId, ...times.keys(), ...counts.keys()]);
    const stateOf = (id: string): KeyState => {
      if (id === currentId) return "current";
      // Elsewhere only the one who holds the keys knows which of the others are still there.
      return encryption.kind !== "file" || times.has(id) ? "retired" : "missing";
    };
    return [...ids].map((id) => ({
      id,
      state: stateOf(id),
      versions: counts.get(id) ?? 0,
      createTime: times.get(id),
    }));
  });
}

/** A key that has become the current one. */
export interface RotatedKey {
  readonly id: string;
  /** The file that holds it. */
  readonly path: string;
}

/**
 * Gives the configured store another current key. A broker that serves takes it over by itself, and wraps its data keys
 * anew.
 * @throws SecretError `CONFIG_INVALID` when its keys are in no file, or the file cannot be changed
 */
export function rotateStoreKey(manager: ManagerConfig): RotatedKey {
  const { encryption } = storeOf(manager);
  if (encryption.kind !== "file") throw invalid(howToRotate(encryption));
  return { id: rotateKeyring(encryption.path), path: encryption.path };
}

/**
 * Wraps every data key of the configured store with the current key; returns how many another key wrapped. A broker may
 * serve the store meanwhile.
 * @throws SecretError `CONFIG_INVALID`, `MANAGER_UNAVAILABLE`
 */
export async function rewrapStore(manager: ManagerConfig): Promise<number> {
  return await withStore(manager, ({ maintenance }) => maintenance.rewrap());
}

async function withStore<T>(manager: ManagerConfig, work: (store: SecretStore) => Promise<T>): Promise<T> {
  const config = storeOf(manager);
  const { kind, encryption } = config;
  const options = { managerName: kind, encryption, cacheBytes: 0, onNote: () => undefined };
  const store = await openEncryptedStore(await openStoreDatabase(config, { isGuest: true }), options);
  return await work(store).finally(() => store.close());
}

function howToRotate(encryption: Exclude<EncryptionConfig, { readonly kind: "file" }>): string {
  switch (encryption.kind) {
    case "environment":
      return `the keys are in the variable ${encryption.variable}; put the new one first there, the others after it with commas between them, and restart the broker`;
    case "passphrase":
      return "a passphrase makes one key; copy the secrets to a store with another passphrase";
    case "kms":
      return "the key is the key management service's; rotate it there, and the broker takes it over";
  }
}

function invalid(message: string): SecretError {
  return new SecretError("CONFIG_INVALID", message);
}
