import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openPostgresDatabase, type PostgresDatabase } from "../../../src/managers/postgres/postgres-database.js";
import type { SqlTransaction } from "../../../src/store/sql-database.js";
import { isPostgresMissing, titleOf } from "./postgres-programs.js";
import { PostgresServerProcess } from "./start-postgres.js";
import { failureOf, insert, keysOf, range } from "./tables.js";

describe.skipIf(isPostgresMissing)(titleOf("a database on PostgreSQL"), () => {
  let server: PostgresServerProcess;
  let database: PostgresDatabase;

  beforeAll(async () => {
    server = await PostgresServerProcess.start();
    // What a role or a database sets must not make commits laxer, nor transactions blind.
    await server.sql("ALTER ROLE admin SET synchronous_commit = off");
    await server.sql("ALTER ROLE admin SET default_transaction_isolation = 'serializable'");
    database = await openPostgresDatabase({ server: server.url(), statementTimeoutMs: 1_000, lockTimeoutMs: 300 });
  });

  beforeEach(async () => {
    await database.transact((transaction) => Promise.resolve(transaction.run("DELETE FROM answered_requests")));
  });

  afterAll(async () => {
    await database.close();
    await server.remove();
  });

  it("calls itself by host, port and database alone", () => {
    expect(database.description).toBe(`127.0.0.1:${String(server.port)}/postgres`);
  });

  it("keeps text, numbers, bytes and NULL as they are", async () => {
    const bytes = Uint8Array.from(range(256));
    const sql = `INSERT INTO versions (uid, version, created_at, is_text, key_id, wrapped_key, ciphertext)
      VALUES (?, ?, ?, ?, ?, ?, ?)`;
    await database.transact(async (transaction) => {
      await transaction.run(
        "INSERT INTO generations (uid, name, sort_key, last_version, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)",
        ["u", "naïve 🔑 'quoted' \\ $1", bytes, 0, 0, 0],
      );
      expect(await transaction.run(sql, ["u", 2 ** 53 - 1, -(2 ** 53) + 1, 0, null, new Uint8Array(), bytes])).toBe(1);
    });
    const [row] = await database.read((session) =>
      session.all("SELECT g.name, v.* FROM versions v JOIN generations g ON g.uid = v.uid WHERE v.uid = ?", ["u"]),
    );
    expect(row).toMatchObject({ name: "naïve 🔑 'quoted' \\ $1", version: 2 ** 53 - 1, created_at: -(2 ** 53) + 1 });
    expect(row).toMatchObject({ is_text: 0, key_id: null, expires_at: null });
    expect(row?.["wrapped_key"]).toStrictEqual(Buffer.alloc(0));
    expect(row?.["ciphertext"]).toStrictEqual(Buffer.from(bytes));
  });

  it("gives counts, sums and comparisons as numbers, as SQLite does", async () => {
    const sql =
      "SELECT count(*) AS n, sum(x.v) AS total, count(*) > 1 AS more FROM (SELECT CAST(? AS bigint) AS v) AS x";
    const rows = await database.read((session) => session.all(sql, [40]));
    expect([...rows]).toStrictEqual([{ n: 1, total: 40, more: 0 }]);
  });

  it("refuses a number beyond 2^53 rather than to round it", async () => {
    const rows = database.read((session) => session.all("SELECT 9007199254740993 AS big"));
    expect(await failureOf(rows)).toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    expect(await keysOf(database)).toStrictEqual([]);
  });

  it("refuses a zero character in a text", async () => {
    const failure = await failureOf(database.transact((transaction) => insert(transaction, "a\0b")));
    expect(failure).toMatchObject({ reason: "FIELD_INVALID" });
  });

  it("writes to the disk before it acknowledges, whatever the role's settings say", async () => {
    const rows = await database.transact(async (transaction) => [
      ...(await transaction.all("SELECT current_setting('synchronous_commit') AS value")),
      ...(await transaction.all("SELECT current_setting('transaction_isolation') AS value")),
    ]);
    expect(rows).toStrictEqual([{ value: "on" }, { value: "read committed" }]);
  });

  it("keeps what waits for a standby stricter than it asks for", async () => {
    await server.sql("CREATE DATABASE strict");
    await server.sql("ALTER ROLE admin IN DATABASE strict SET synchronous_commit = remote_apply");
    const strict = await openPostgresDatabase({ server: server.url("strict") });
    const rows = await strict.read((session) => session.all("SELECT current_setting('synchronous_commit') AS value"));
    expect([...rows]).toStrictEqual([{ value: "remote_apply" }]);
    await strict.close();
  });

  it("undoes a work that fails, and it alone", async () => {
    const works = range(30).map((index) =>
      database.transact(async (transaction) => {
        await insert(transaction, `key ${String(index).padStart(2, "0")}`);
        if (index % 3 === 0) throw new Error("not this one");
        return index;
      }),
    );
    const outcomes = await Promise.allSettled(works);
    const expected = range(30).filter((index) => index % 3 !== 0);
    expect(outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []))).toStrictEqual(
      expected,
    );
    expect(await keysOf(database)).toStrictEqual(expected.map((index) => `key ${String(index).padStart(2, "0")}`));
  });

  it("makes few commits of many works that arrive together", async () => {
    const ids = await Promise.all(
      range(200).map((index) =>
        database.transact(async (transaction) => {
          await insert(transaction, `many ${String(index)}`);
          const [row] = await transaction.all("SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint) AS id");
          return row?.["id"];
        }),
      ),
    );
    expect(new Set(ids).size).toBeLessThan(60);
  });

  it("does not commit a work whose statement failed, though the work goes on as if nothing was", async () => {
    const swallowing = database.transact(async (transaction) => {
      await insert(transaction, "swallowed");
      await failureOf(Promise.resolve(transaction.run("INSERT INTO no_such_table (x) VALUES (?)", [1])));
      return "as if nothing was";
    });
    const other = database.transact((transaction) => insert(transaction, "other"));
    expect(await failureOf(swallowing)).toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    await other;
    expect(await keysOf(database)).toStrictEqual(["other"]);
  });

  it("lets no statement of a work slip into the next one", async () => {
    let late: SqlTransaction | undefined;
    const hasty = database.transact(async (transaction) => {
      late = transaction;
      // Nobody waits for it.
      insert(transaction, "unwaited").catch(() => undefined);
      await Promise.reject(new Error("gave up"));
    });
    const next = database.transact((transaction) => insert(transaction, "next"));
    await failureOf(hasty);
    await next;
    expect(await keysOf(database)).toStrictEqual(["next"]);
    expect(late && (await failureOf(insert(late, "late")))).toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    expect(await keysOf(database)).toStrictEqual(["next"]);
  });

  it("runs statements of one work side by side in that work's transaction", async () => {
    await database.transact(async (transaction) => {
      await Promise.all(range(150).map((index) => insert(transaction, `side ${String(index)}`)));
    });
    expect(await keysOf(database)).toHaveLength(150);
  });

  it("does what is to be done last after everything else, of the works that succeeded", async () => {
    const countSql = "SELECT count(*) AS n FROM answered_requests";
    const counts: unknown[] = [];
    const works = range(9).map((index) =>
      database.transact(async (transaction) => {
        const key = `last ${String(index)}`;
        transaction.runLast(
          "INSERT INTO answered_requests (scope, digest, answer, answered_at) VALUES (?, '', '', 1)",
          [key],
        );
        counts.push((await transaction.all(countSql))[0]?.["n"]);
        if (index % 3 === 0) throw new Error("not this one");
      }),
    );
    await Promise.allSettled(works);
    expect(counts[0]).toBe(0);
    expect(await keysOf(database)).toStrictEqual([1, 2, 4, 5, 7, 8].map((index) => `last ${String(index)}`));
  });

  it("locks what is changed last for no longer than it must", async () => {
    const second = await openPostgresDatabase({ server: server.url(), lockTimeoutMs: 300 });
    await database.transact((transaction) => insert(transaction, "shared"));
    const { promise: held, resolve } = Promise.withResolvers<undefined>();
    const touchSql = "UPDATE answered_requests SET answered_at = answered_at + 1 WHERE scope = 'shared'";
    const slow = database.transact(async (transaction) => {
      transaction.runLast(touchSql);
      await held;
    });
    await second.transact((transaction) => {
      transaction.runLast(touchSql);
      return Promise.resolve();
    });
    resolve(undefined);
    await slow;
    const rows = await second.read((session) => session.all("SELECT answered_at FROM answered_requests"));
    expect([...rows]).toStrictEqual([{ answered_at: 3 }]);
    await second.close();
  });

  it("does nothing of works whose last statements fail", async () => {
    const works = range(3).map((index) =>
      database.transact(async (transaction) => {
        await insert(transaction, `with ${String(index)}`);
        if (index === 1) transaction.runLast("INSERT INTO no_such_table (x) VALUES (1)");
      }),
    );
    const refused = (await Promise.allSettled(works)).flatMap(({ status }, index) =>
      status === "rejected" ? [index] : [],
    );
    expect(refused).toContain(1);
    const done = range(3).filter((index) => !refused.includes(index));
    expect(await keysOf(database)).toStrictEqual(done.map((index) => `with ${String(index)}`));
  });

  it("runs a work again that another was faster than", async () => {
    const second = await openPostgresDatabase({ server: server.url() });
    let runs = 0;
    const firstOf = async (transaction: SqlTransaction): Promise<string> => {
      runs += 1;
      const [row] = await transaction.all("SELECT digest FROM answered_requests WHERE scope = ?", ["race"]);
      if (row !== undefined) return "second";
      await transaction.run("SELECT pg_sleep(0.05)");
      await insert(transaction, "race");
      return "first";
    };
    const outcomes = await Promise.all([database.transact(firstOf), second.transact(firstOf)]);
    await second.close();
    expect(outcomes.sort()).toStrictEqual(["first", "second"]);
    expect(runs).toBe(3);
  });

  it("reads from one point in time, and refuses to write meanwhile", async () => {
    const counts = await database.read(async (session) => {
      const before = await session.all("SELECT count(*) AS n FROM answered_requests");
      await database.transact((transaction) => insert(transaction, "between"));
      return [...before, ...(await session.all("SELECT count(*) AS n FROM answered_requests"))];
    });
    expect(counts).toStrictEqual([{ n: 0 }, { n: 0 }]);
    const writing = database.read((session) => session.run("DELETE FROM answered_requests"));
    expect(await failureOf(writing)).toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    expect(await keysOf(database)).toStrictEqual(["between"]);
  });

  it("reads while every writer is stuck", async () => {
    const { promise: stuck, resolve } = Promise.withResolvers<undefined>();
    const writers = range(8).map(() => database.transact(() => stuck));
    await Promise.all(range(50).map(() => keysOf(database)));
    resolve(undefined);
    await Promise.all(writers);
  });

  it("says that a statement took too long", async () => {
    const slow = database.read((session) => session.all("SELECT pg_sleep(10)"));
    expect(await failureOf(slow)).toMatchObject({ reason: "MANAGER_TIMEOUT" });
    const writing = database.transact((transaction) => Promise.resolve(transaction.all("SELECT pg_sleep(10)")));
    expect(await failureOf(writing)).toMatchObject({ reason: "MANAGER_TIMEOUT" });
    expect(await database.isHealthy()).toBe(true);
  });

  it("does not wait for a lock for ever", async () => {
    const second = await openPostgresDatabase({ server: server.url() });
    const { promise: held, resolve } = Promise.withResolvers<undefined>();
    const holder = second.transact(async (transaction) => {
      await transaction.lockNames(["held"]);
      await held;
    });
    await new Promise((wait) => setTimeout(wait, 100));
    const waiter = database.transact((transaction) => Promise.resolve(transaction.lockNames(["free", "held"])));
    expect(await failureOf(waiter)).toMatchObject({ reason: "MANAGER_UNAVAILABLE", retryAfterMs: 1_000 });
    resolve(undefined);
    await holder;
    await second.close();
  });

  it("purges while it is used", async () => {
    await Promise.all(
      range(20).map((index) => database.transact((transaction) => insert(transaction, `p${String(index)}`))),
    );
    await database.transact((transaction) => Promise.resolve(transaction.run("DELETE FROM answered_requests")));
    await Promise.all(range(5).map(() => database.purge()));
    const sql = "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'answered_requests'";
    await expect.poll(() => server.sql(sql)).toBe("0");
  });

  it("finishes what is under way when it is closed, and refuses what comes later", async () => {
    const closing = await openPostgresDatabase({ server: server.url() });
    const works = range(20).map((index) => closing.transact((transaction) => insert(transaction, `c${String(index)}`)));
    const read = keysOf(closing);
    await closing.close();
    await Promise.all([...works, read]);
    expect(await keysOf(database)).toHaveLength(20);
    const late = [closing.transact((transaction) => insert(transaction, "late")), keysOf(closing)];
    for (const refused of late) expect(await failureOf(refused)).toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    expect(await closing.isHealthy()).toBe(false);
  });
});
