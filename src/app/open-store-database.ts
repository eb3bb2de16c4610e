import type { ManagerConfig, StoreConfig } from "../config/config.js";
import { SecretError } from "../domain/secret-error.js";
import type { SqlDatabase } from "../store/sql-database.js";

/** How a store's database is opened. */
export interface StoreDatabaseOptions {
  /** Whether a broker may have the store meanwhile. */
  readonly isGuest: boolean;
}

/**
 * Opens the database that the configured store is in.
 * @throws SecretError `CONFIG_INVALID`, `MANAGER_UNAVAILABLE`
 */
export async function openStoreDatabase(config: StoreConfig, { isGuest }: StoreDatabaseOptions): Promise<SqlDatabase> {
  // Each is loaded only where it is used, as a library comes with it.
  if (config.kind === "postgres") {
    const { openConfiguredPostgres } = await import("./open-postgres.js");
    return await openConfiguredPostgres(config);
  }
  const { SqliteDatabase } = await import("../managers/sqlite/sqlite-database.js");
  return new SqliteDatabase(config.path, { isGuest });
}

/**
 * The configured manager, which must be a store.
 * @throws SecretError `CONFIG_INVALID`
 */
export function storeOf(manager: ManagerConfig): StoreConfig {
  if (manager.kind === "sqlite" || manager.kind === "postgres") return manager;
  throw new SecretError("CONFIG_INVALID", `a manager of kind "${manager.kind}" has no store of the broker's`);
}
