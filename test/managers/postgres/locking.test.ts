import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPostgresDatabase, type PostgresDatabase } from "../../../src/managers/postgres/postgres-database.js";
import type { SqlTransaction } from "../../../src/store/sql-database.js";
import { isPostgresMissing, titleOf } from "./postgres-programs.js";
import { PostgresServerProcess } from "./start-postgres.js";
import { range } from "./tables.js";

/** Numbers from a seed, so that a failure can be run again. */
function* randomNumbers(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

async function balanceOf(transaction: SqlTransaction, name: string): Promise<number> {
  const [row] = await transaction.all("SELECT answered_at FROM answered_requests WHERE scope = ?", [name]);
  return Number(row?.["answered_at"]);
}

async function setBalance(transaction: SqlTransaction, name: string, balance: number): Promise<void> {
  await transaction.run("UPDATE answered_requests SET answered_at = ? WHERE scope = ?", [balance, name]);
}

describe.skipIf(isPostgresMissing)(titleOf("locks on names among brokers on one PostgreSQL"), () => {
  let server: PostgresServerProcess;
  let databases: readonly PostgresDatabase[];

  beforeAll(async () => {
    // Deadlocks of the rows' own are noticed sooner than by default.
    server = await PostgresServerProcess.start({ settings: { deadlock_timeout: "50ms" } });
    const options = { server: server.url(), statementTimeoutMs: 15_000, lockTimeoutMs: 15_000 };
    databases = await Promise.all(range(3).map(() => openPostgresDatabase(options)));
  });

  afterAll(async () => {
    await Promise.all(databases.map((database) => database.close()));
    await server.remove();
  });

  async function open(accounts: readonly string[]): Promise<void> {
    await databases[0]?.transact(async (transaction) => {
      await transaction.run("DELETE FROM answered_requests");
      const sql = "INSERT INTO answered_requests (scope, digest, answer, answered_at) VALUES (?, '', '', 100)";
      for (const account of accounts) await transaction.run(sql, [account]);
    });
  }

  function on(index: number): PostgresDatabase {
    const database = databases[index % databases.length];
    if (database === undefined) throw new Error("there is none");
    return database;
  }

  async function deadlocks(): Promise<string> {
    return await server.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = 'postgres'");
  }

  it("loses no update of two transactions that read and then write", async () => {
    await open(["shared"]);
    await Promise.all(
      range(300).map((index) =>
        on(index).transact(async (transaction) => {
          await transaction.lockNames(["shared"]);
          await setBalance(transaction, "shared", (await balanceOf(transaction, "shared")) + 1);
        }),
      ),
    );
    const balance = await on(0).read((session) => session.all("SELECT answered_at FROM answered_requests"));
    expect([...balance]).toStrictEqual([{ answered_at: 400 }]);
  });

  it("never deadlocks, whatever pairs of names are locked", async () => {
    const accounts = range(8).map((index) => `account ${String(index)}`);
    await open(accounts);
    const random = randomNumbers(20_261_123);
    const pick = (): string => accounts[Math.floor(random.next().value * accounts.length)] ?? "";
    const moves = range(64).map(() => range(8).map(() => [pick(), pick()] as const));
    await Promise.all(
      moves.map(async (pairs, index) => {
        for (const [from, to] of pairs) {
          await on(index).transact(async (transaction) => {
            await transaction.lockNames([from, to]);
            await setBalance(transaction, from, (await balanceOf(transaction, from)) - 1);
            await setBalance(transaction, to, (await balanceOf(transaction, to)) + 1);
          });
        }
      }),
    );
    const sql = "SELECT sum(answered_at) AS total FROM answered_requests";
    expect([...(await on(0).read((session) => session.all(sql)))]).toStrictEqual([{ total: 800 }]);
    expect(await deadlocks()).toBe("0");
  });

  it("survives works that lock one name after the other, in any order", async () => {
    await open(["a", "b"]);
    const runs = range(60).map((index) =>
      on(index).transact(async (transaction) => {
        const names = index % 2 === 0 ? ["a", "b"] : ["b", "a"];
        for (const name of names) {
          await transaction.lockNames([name]);
          await setBalance(transaction, name, (await balanceOf(transaction, name)) + 1);
        }
      }),
    );
    await Promise.all(runs);
    const rows = await on(0).read((session) =>
      session.all("SELECT scope, answered_at FROM answered_requests ORDER BY scope"),
    );
    expect([...rows]).toStrictEqual([
      { scope: "a", answered_at: 160 },
      { scope: "b", answered_at: 160 },
    ]);
  });

  it("survives works that lock rows in any order without saying so", async () => {
    await open(["x", "y"]);
    const runs = range(6).map((index) =>
      on(index).transact(async (transaction) => {
        const names = index % 2 === 0 ? ["x", "y"] : ["y", "x"];
        const sql = "UPDATE answered_requests SET answered_at = answered_at + 1 WHERE scope = ?";
        for (const name of names) await transaction.run(sql, [name]);
      }),
    );
    await Promise.all(runs);
    const rows = await on(0).read((session) => session.all("SELECT answered_at FROM answered_requests"));
    expect([...rows]).toStrictEqual([{ answered_at: 106 }, { answered_at: 106 }]);
  });

  it("keeps apart the names of two schemas in one database", async () => {
    const other = await openPostgresDatabase({ server: server.url(), schema: "other", lockTimeoutMs: 200 });
    await on(0).transact(async (transaction) => {
      await transaction.lockNames(["same"]);
      await other.transact((second) => Promise.resolve(second.lockNames(["same"])));
    });
    await other.close();
  });
});
