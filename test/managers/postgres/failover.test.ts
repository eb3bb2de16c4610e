import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openPostgresDatabase } from "../../../src/managers/postgres/postgres-database.js";
import { isPostgresMissing, titleOf } from "./postgres-programs.js";
import { PostgresServerProcess } from "./start-postgres.js";
import { failureOf, insert, keysOf, range } from "./tables.js";

describe.skipIf(isPostgresMissing)(titleOf("a PostgreSQL with a standby that takes over"), () => {
  let primary: PostgresServerProcess;
  let standby: PostgresServerProcess;

  beforeAll(async () => {
    primary = await PostgresServerProcess.start();
    standby = await PostgresServerProcess.startStandby(primary);
    await primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
    await primary.sql("SELECT pg_reload_conf()");
    const sql = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
    await vi.waitFor(async () => expect(await primary.sql(sql)).toBe("1"), { timeout: 10_000 });
  });

  afterAll(async () => {
    await primary.remove();
    await standby.remove();
  });

  it("acknowledges no commit that the standby does not have", async () => {
    const database = await openPostgresDatabase({ server: primary.url(), statementTimeoutMs: 300 });
    await database.transact((transaction) => insert(transaction, "on both"));
    await standby.stop("SIGKILL");
    const failure = await failureOf(database.transact((transaction) => insert(transaction, "on one")));
    expect(failure).toMatchObject({ reason: "MANAGER_UNAVAILABLE", metadata: { outcome: "unknown" } });
    await standby.restart();
    await expect.poll(() => keysOf(database), { timeout: 10_000 }).toStrictEqual(["on both", "on one"]);
    await database.transact((transaction) => insert(transaction, "on both again"));
    await database.close();
  });

  it("never uses a standby, follows to the new primary, and finds all that was acknowledged there", async () => {
    const alone = await failureOf(openPostgresDatabase({ server: standby.url() }));
    expect(alone).toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    expect(String(alone)).toContain("is a standby");

    const hosts = `127.0.0.1:${String(standby.port)},127.0.0.1:${String(primary.port)}`;
    const database = await openPostgresDatabase({ server: `postgres://admin@${hosts}/postgres` });
    expect(database.description).toBe(`${hosts}/postgres`);
    const acknowledged: string[] = [];
    const works = range(100).map(async (index) => {
      const key = `key ${String(index)}`;
      await database.transact(async (transaction) => {
        await insert(transaction, key);
        await new Promise((wait) => setTimeout(wait, 1));
      });
      acknowledged.push(key);
    });
    const settled = Promise.allSettled(works);
    await expect.poll(() => acknowledged.length).toBeGreaterThan(5);
    await primary.stop("SIGKILL");
    await settled;
    expect(await database.isHealthy()).toBe(false);

    await standby.sql("SELECT pg_promote()");
    await expect.poll(() => database.isHealthy(), { timeout: 10_000 }).toBe(true);
    expect(await keysOf(database)).toStrictEqual(expect.arrayContaining(acknowledged));
    const writing = (): Promise<unknown> =>
      failureOf(database.transact((transaction) => insert(transaction, "on the new primary")));
    // For a moment after the last refusal others are refused without another try.
    await expect.poll(writing).toBe("no failure");
    await database.close();
  });
});
