import { openPostgresDatabase } from "../../../src/managers/postgres/postgres-database.js";
import type { PostgresOptions } from "../../../src/managers/postgres/postgres-options.js";
import { openStore } from "../../../src/store/open-store.js";
import type { SecretStore } from "../../../src/store/secret-store.js";
import { SteadyClock } from "../../../src/store/steady-clock.js";
import type { TestStoreOptions } from "../../store/open-test-store.js";
import { testCipher } from "../../store/test-cipher.js";

/** A store in PostgreSQL, with keys of the tests. */
export async function openPostgresStore(
  database: PostgresOptions,
  options: TestStoreOptions = {},
): Promise<SecretStore> {
  return await openStore(await openPostgresDatabase(database), {
    managerName: "postgres",
    openCipher: () => testCipher(options.keys),
    clock: new SteadyClock(options.clocks),
    // Others write to the same tables.
    cacheBytes: 0,
    onNote: options.onNote ?? (() => undefined),
    onClose: options.onClose,
  });
}
