import { SecretStore, type SecretStoreOptions } from "./secret-store.js";
import type { SqlDatabase } from "./sql-database.js";
import { identifyStore, type OpenCipher, type StoreIdentity } from "./store-identity.js";

/** What a store is opened with. */
export interface OpenStoreOptions extends Omit<SecretStoreOptions, keyof StoreIdentity> {
  /** Called once it is known which store it is; again when the database asks for another try. */
  readonly openCipher: OpenCipher;
}

/**
 * Opens the store in a database whose schema is up to date, and begins one in an empty database. The database belongs to
 * the store from then on, and is closed when the store cannot be opened.
 * @throws SecretError `CONFIG_INVALID` when the key does not open what is there; nothing has been changed then
 */
export async function openStore(database: SqlDatabase, options: OpenStoreOptions): Promise<SecretStore> {
  const { openCipher, clock } = options;
  try {
    const identity = await database.transact((transaction) => identifyStore(transaction, openCipher, clock.now()));
    return new SecretStore(database, { ...options, ...identity });
  } catch (error) {
    await database.close();
    throw error;
  }
}
