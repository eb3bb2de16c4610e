import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { isSecretError, SecretError } from "../../../src/domain/secret-error.js";
import { openPostgresDatabase, type PostgresDatabase } from "../../../src/managers/postgres/postgres-database.js";
import { isPostgresMissing, titleOf } from "./postgres-programs.js";
import { Relay } from "./relay.js";
import { PostgresServerProcess } from "./start-postgres.js";
import { failureOf, insert, keysOf, range } from "./tables.js";

/** Empties the table, once the database is back. */
async function isWriting(database: PostgresDatabase): Promise<boolean> {
  const emptying = database.transact(async (transaction) => {
    await transaction.run("DELETE FROM answered_requests");
  });
  return (await failureOf(emptying)) === "no failure";
}

const unavailable = { reason: "MANAGER_UNAVAILABLE", retryAfterMs: 1_000 };
const unknown = { ...unavailable, metadata: { outcome: "unknown" } };

describe.skipIf(isPostgresMissing)(titleOf("a PostgreSQL that goes away"), () => {
  let server: PostgresServerProcess;
  let database: PostgresDatabase;

  beforeAll(async () => {
    server = await PostgresServerProcess.start();
    database = await openPostgresDatabase({ server: server.url(), pollIntervalMs: 3_600_000 });
  });

  beforeEach(async () => {
    await expect.poll(() => isWriting(database)).toBe(true);
    // Reads have connections of their own.
    await expect.poll(() => keysOf(database).then(Boolean, () => false)).toBe(true);
  });

  afterAll(async () => {
    await database.close();
    await server.remove();
  });

  it("keeps whatever was acknowledged and nothing that was refused, when it is killed under 200 transactions", async () => {
    for (const killAfter of [1, 40, 120]) {
      await expect.poll(() => isWriting(database)).toBe(true);
      let count = 0;
      const { promise: isTime, resolve } = Promise.withResolvers<undefined>();
      const keys = range(200).map((index) => `${String(killAfter)}-${String(index)}`);
      const settled = Promise.allSettled(
        keys.map((key) =>
          database.transact(async (transaction) => {
            await transaction.lockNames([key]);
            await insert(transaction, key);
            if ((count += 1) === killAfter) resolve(undefined);
            await new Promise((wait) => setTimeout(wait, 1));
          }),
        ),
      );
      await isTime;
      await server.stop("SIGKILL");
      const outcomes = await settled;
      await server.restart();
      await expect.poll(() => database.isHealthy()).toBe(true);
      const there = new Set(await keysOf(database));
      for (const [index, outcome] of outcomes.entries()) {
        const isThere = there.has(keys[index]);
        if (outcome.status === "fulfilled") expect(isThere).toBe(true);
        else if (isSecretError(outcome.reason) && outcome.reason.metadata["outcome"] !== "unknown") {
          expect(isThere).toBe(false);
        } else expect(outcome.reason).toMatchObject(unknown);
      }
      expect(outcomes.some(({ status }) => status === "rejected")).toBe(true);
    }
  });

  it("serves a read whose connection had died while nobody used it", async () => {
    const ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'secret-broker'";
    for (let round = 0; round < 5; round += 1) {
      // As many connections as reads at once.
      await Promise.all(range(4).map(() => keysOf(database)));
      // The server has ended them when this is answered, and the broker may not have heard of it.
      await server.sql(ending);
      await Promise.all(range(4).map(() => keysOf(database)));
    }
  });

  it("is served again after each way to stop, without a new start of the broker", async () => {
    for (const signal of ["SIGINT", "SIGKILL", "SIGINT"] as const) {
      await keysOf(database);
      await server.stop(signal);
      expect(await database.isHealthy()).toBe(false);
      expect(await failureOf(keysOf(database))).toMatchObject(unavailable);
      expect(await failureOf(database.transact((transaction) => insert(transaction, "away")))).toMatchObject(
        unavailable,
      );
      await server.restart();
      await expect.poll(() => isWriting(database)).toBe(true);
      await expect.poll(() => database.isHealthy()).toBe(true);
      expect(await keysOf(database)).not.toContain("away");
    }
  });

  it("ends sessions that an administrator terminates, and goes on with others", async () => {
    await keysOf(database);
    const works = range(20).map((index) =>
      database.transact(async (transaction) => {
        await insert(transaction, `terminated ${String(index)}`);
        await transaction.all("SELECT pg_sleep(0.05)");
      }),
    );
    for (const work of works) work.catch(() => undefined);
    await server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'secret-broker'");
    const refused = (await Promise.allSettled(works)).filter(({ status }) => status === "rejected");
    for (const outcome of refused) expect(outcome).toMatchObject({ reason: unavailable });
    await expect.poll(() => keysOf(database)).toHaveLength(20 - refused.length);
  });

  it("reads on and says why it does not write, while the database is read-only", async () => {
    const terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'secret-broker'";
    await server.sql("ALTER DATABASE postgres SET default_transaction_read_only = on");
    await server.sql(terminate);
    await expect.poll(() => keysOf(database).catch(() => undefined)).toStrictEqual([]);
    const failure = await failureOf(database.transact((transaction) => insert(transaction, "frozen")));
    expect(failure).toMatchObject(unavailable);
    expect(failure).toMatchObject({ message: expect.stringMatching(/can only be read now$/u) as string });
    expect(await keysOf(database)).toStrictEqual([]);
    expect(await database.isHealthy()).toBe(false);
    await server.sql("ALTER DATABASE postgres RESET ALL", "template1");
    await server.sql(terminate);
    await expect.poll(() => database.isHealthy()).toBe(true);
    await database.transact((transaction) => insert(transaction, "thawed"));
  });

  describe("behind a network that fails", () => {
    let relay: Relay;
    let far: PostgresDatabase;

    beforeEach(async () => {
      relay = await Relay.start(server.port);
      const url = server.url().replace(String(server.port), String(relay.port));
      far = await openPostgresDatabase({ server: url, statementTimeoutMs: 200, pollIntervalMs: 3_600_000 });
    });

    afterEach(async () => {
      await far.close();
      await relay.stop();
    });

    it.each(["drop and cut", "forward and cut"] as const)(
      "reports no commit it knows nothing of: %s",
      async (verdict) => {
        let runs = 0;
        relay.judge((message) => (message.includes("COMMIT") && message.includes("NOTIFY") ? verdict : "forward"));
        const work = far.transact(async (transaction) => {
          runs += 1;
          await insert(transaction, "perhaps");
        });
        expect(await failureOf(work)).toMatchObject(unknown);
        expect(runs).toBe(1);
        await expect.poll(() => keysOf(database)).toStrictEqual(verdict === "drop and cut" ? [] : ["perhaps"]);
        relay.judge(() => "forward");
        await far.transact((transaction) => insert(transaction, "surely"));
      },
    );

    it("refuses nothing because of a change whose commit it knows nothing of", async () => {
      relay.judge((message) => (message.includes("COMMIT") && message.includes("NOTIFY") ? "drop and cut" : "forward"));
      const addOnce = (): Promise<void> =>
        far.transact(async (transaction) => {
          const rows = await transaction.all("SELECT scope FROM answered_requests");
          if (rows.length > 0) throw new SecretError("SECRET_EXISTS", "there is one");
          await insert(transaction, "one");
        });
      const failures = await Promise.all([failureOf(addOnce()), failureOf(addOnce())]);
      for (const failure of failures) expect(failure).toMatchObject(unknown);
    });

    it("knows that nothing was done when the network fails before the commit", async () => {
      for (const word of ["BEGIN ISOLATION", "answered_requests", "pg_advisory_xact_lock"]) {
        relay.judge((message) => (message.includes(word) ? "drop and cut" : "forward"));
        // A statement the server knows already goes by its number.
        relay.cut();
        const work = far.transact(async (transaction) => {
          await transaction.lockNames([word]);
          await insert(transaction, word);
        });
        const failure = await failureOf(work);
        expect(failure).toMatchObject({ ...unavailable, metadata: {} });
        relay.judge(() => "forward");
        await expect.poll(() => far.isHealthy()).toBe(true);
      }
      expect(await keysOf(database)).toStrictEqual([]);
    });

    it("does not wait for ever for a network that says nothing, and frees the locks", async () => {
      const { promise: isSilent, resolve } = Promise.withResolvers<undefined>();
      const work = far.transact(async (transaction) => {
        await transaction.lockNames(["silent"]);
        await isSilent;
        await insert(transaction, "silent");
      });
      const reading = far.read(async (session) => {
        await isSilent;
        return session.all("SELECT 1 AS one");
      });
      await expect.poll(() => relay.size).toBeGreaterThan(1);
      await new Promise((wait) => setTimeout(wait, 50));
      relay.isSilent = true;
      resolve(undefined);
      const failures = await Promise.all([failureOf(work), failureOf(reading)]);
      for (const failure of failures) expect(failure).toMatchObject(unavailable);
      relay.isSilent = false;
      await database.transact((transaction) => Promise.resolve(transaction.lockNames(["silent"])));
      await expect.poll(() => far.isHealthy()).toBe(true);
      expect(await keysOf(far)).toStrictEqual([]);
    });
  });

  describe("with somebody who listens for changes", () => {
    let calls: number;
    let stopListening: () => void;

    beforeEach(async () => {
      calls = 0;
      stopListening = database.onChange(() => (calls += 1));
      // It listens when it has called for the first time.
      await expect.poll(() => calls).toBe(1);
    });

    afterEach(() => {
      stopListening();
    });

    it("calls for the commits of another broker, and of its own", async () => {
      const other = await openPostgresDatabase({ server: server.url() });
      await other.transact((transaction) => insert(transaction, "other's"));
      await expect.poll(() => calls).toBe(2);
      await database.transact((transaction) => insert(transaction, "own"));
      await expect.poll(() => calls).toBe(3);
      await other.read((session) => session.all("SELECT 1 AS one"));
      await other.transact((transaction) => Promise.resolve(transaction.all("SELECT 1 AS one")));
      await other.close();
      expect(calls).toBe(3);
    });

    it("calls after a restart of the server for what it may have missed, and for what comes", async () => {
      await server.stop("SIGKILL");
      await server.restart();
      const other = await openPostgresDatabase({ server: server.url() });
      await other.transact((transaction) => insert(transaction, "missed"));
      await expect.poll(() => calls, { timeout: 5_000 }).toBeGreaterThan(1);
      const before = calls;
      await other.transact((transaction) => insert(transaction, "heard"));
      await expect.poll(() => calls).toBeGreaterThan(before);
      await other.close();
    });

    it("calls nobody who has ended, and opens no connection for nobody", async () => {
      stopListening();
      await database.transact((transaction) => insert(transaction, "unheard"));
      const sql = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";
      await expect.poll(() => server.sql(sql)).toBe("0");
      expect(calls).toBe(1);
    });
  });

  it("fails at once, and alone, when connections are reset right after they were made", async () => {
    // In a process of its own, as only then a reset can come between any two turns of this one.
    const script = `
      const server = require("node:net").createServer((socket) => {
        setTimeout(() => socket.resetAndDestroy(), Math.random() * 3);
      });
      server.listen(0, "127.0.0.1", () => console.log(server.address().port));`;
    const resetting = spawn(process.execPath, ["--eval", script], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void resetting.kill());
    const [port] = (await once(resetting.stdout, "data")) as [Buffer];
    const url = server.url().replace(String(server.port), port.toString().trim());
    for (const turn of range(100)) {
      const failures = range(3).map(() =>
        failureOf(openPostgresDatabase({ server: url, connectTimeoutMs: 3_600_000 })),
      );
      for (const failure of await Promise.all(failures)) expect([turn, failure]).toMatchObject([turn, unavailable]);
    }
  });

  it("calls now and then though nothing was announced", async () => {
    const polling = await openPostgresDatabase({ server: server.url(), pollIntervalMs: 20 });
    let calls = 0;
    polling.onChange(() => (calls += 1));
    await expect.poll(() => calls).toBeGreaterThan(5);
    await polling.close();
  });
});
