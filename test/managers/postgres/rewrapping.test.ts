import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPostgresDatabase } from "../../../src/managers/postgres/postgres-database.js";
import { BackgroundRewrap } from "../../../src/store/background-rewrap.js";
import { countByKey } from "../../../src/store/rewrap.js";
import { recogniseStore } from "../../../src/store/store-identity.js";
import { testStoreKeys } from "../../store/open-test-store.js";
import { storeCall } from "../../store/store-call.js";
import { testCipher } from "../../store/test-cipher.js";
import { openPostgresStore } from "./open-postgres-store.js";
import { isPostgresMissing, titleOf } from "./postgres-programs.js";
import { PostgresServerProcess } from "./start-postgres.js";
import { range } from "./tables.js";

const rotated = testStoreKeys.toReversed();
/** More than two pages of generations. */
const secrets = 600;

describe.skipIf(isPostgresMissing)(titleOf("data keys in PostgreSQL"), () => {
  let server: PostgresServerProcess;

  beforeAll(async () => {
    server = await PostgresServerProcess.start();
  });

  afterAll(async () => {
    await server.remove();
  });

  it("are all wrapped anew, whatever is written and deleted meanwhile", async () => {
    const database = { server: server.url(), schema: "rewrapped" };
    const first = await openPostgresStore(database);
    const nameOf = (index: number): string => `${String((index * 7) % secrets)}/NAME`;
    await Promise.all(range(secrets).map((index) => first.writeSecret(nameOf(index), nameOf(index), {}, storeCall())));
    await first.close();
    const store = await openPostgresStore(database, { keys: rotated });
    const rewrapping = store.maintenance.rewrap();
    const meanwhile = range(50).flatMap((index): Promise<unknown>[] => [
      store.writeSecret(nameOf(index * 3), "meanwhile", {}, storeCall()),
      store.writeSecret(`${String(index)}/NEW`, "meanwhile", {}, storeCall()),
      store.deleteSecret(nameOf(500 + index), { recoveryWindowInDays: 7 }, storeCall()),
      store.deleteSecret(nameOf(400 + index), { recoveryWindowInDays: 0 }, storeCall()),
    ]);
    await Promise.all(meanwhile);
    // Those that are destroyed meanwhile may be gone before they are wrapped.
    expect(await rewrapping).toBeGreaterThanOrEqual(secrets - 50);
    expect(await store.maintenance.rewrap()).toBe(0);
    expect(await store.maintenance.countByKey()).toEqual(
      new Map([[await store.maintenance.currentKeyId(), secrets - 50 + 100]]),
    );
    await store.close();
    const reopened = await openPostgresStore(database, { keys: rotated.slice(0, 1) });
    await reopened.restoreSecret(nameOf(510), {}, storeCall());
    expect(await reopened.readSecret(nameOf(510))).toMatchObject({ value: nameOf(510) });
    await reopened.close();
  });

  it("are wrapped anew turn by turn while a broker with another current key writes on", async () => {
    const options = { server: server.url(), schema: "two_keys" };
    const other = await openPostgresStore(options, { keys: testStoreKeys });
    const write = async (name: string): Promise<unknown> => other.writeSecret(name, name, {}, storeCall());
    await Promise.all(range(secrets).map((index) => write(`${String(index)}/NAME`)));
    const database = await openPostgresDatabase(options);
    const identity = await recogniseStore(database, () => testCipher(rotated));
    const rewrap = new BackgroundRewrap([{ ...identity, now: Date.now, maxVersionsPerSecret: 100 }, database]);
    expect([await rewrap.whatIsDue(), await rewrap.whatIsDue(), await rewrap.whatIsDue()]).toEqual([secrets, 0, 0]);
    await Promise.all(range(secrets).map((index) => write(`${String(2 * index)}/NAME`)));
    expect(await rewrap.whatIsDue()).toBe(secrets);
    expect(await countByKey(database)).toEqual(new Map([[await identity.cipher.currentKeyId(), 2 * secrets]]));
    await Promise.all([database.close(), other.close()]);
  });
});
