import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testStoreKeys } from "../../store/open-test-store.js";
import { storeCall } from "../../store/store-call.js";
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
});
