import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SqliteDatabase } from "../../src/managers/sqlite/sqlite-database.js";
import { rewrapAll } from "../../src/store/rewrap.js";
import type { SqlSession } from "../../src/store/sql-database.js";
import type { StoreCipher } from "../../src/store/store-cipher.js";
import { recogniseStore } from "../../src/store/store-identity.js";
import { openTestStore, testStoreKeys } from "./open-test-store.js";
import { storeCall } from "./store-call.js";
import { testCipher } from "./test-cipher.js";

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "rewrap-"));
  path = join(directory, "secrets.db");
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

const rotated = testStoreKeys.toReversed();
/** More than two pages of generations. */
const secrets = 600;
const nameOf = (index: number): string => `${String((index * 7) % secrets)}/NAME`;

/** Secrets under the first key, written in another order than that of their names; closed again. */
async function fill(): Promise<void> {
  const store = await openTestStore(path);
  await Promise.all(
    Array.from({ length: secrets }, (_, index) =>
      store.writeSecret(nameOf(index), `0 ${nameOf(index)}`, {}, storeCall()),
    ),
  );
  // As many that a page of generations takes more than one transaction.
  for (let version = 1; version <= 5; version += 1) {
    const writes = Array.from({ length: 300 }, (_, index) =>
      store.writeSecret(nameOf(index), `${String(version)} ${nameOf(index)}`, {}, storeCall()),
    );
    await Promise.all(writes);
  }
  await store.deleteSecret(nameOf(1), { recoveryWindowInDays: 7 }, storeCall());
  await store.close();
}

const filled = secrets + 5 * 300;

/** How many versions each key wraps, in the closed file. */
function countByKey(): readonly unknown[] {
  const database = new DatabaseSync(path, { readOnly: true });
  const rows = database.prepare("SELECT key_id, COUNT(*) AS count FROM versions GROUP BY key_id").all();
  database.close();
  return rows;
}

it("wraps all data keys, whatever is written, deleted and restored meanwhile", async () => {
  await fill();
  const store = await openTestStore(path, { keys: rotated });
  const rewrapping = store.maintenance.rewrap();
  const meanwhile = [];
  for (let index = 0; index < 100; index += 1) {
    meanwhile.push(store.writeSecret(nameOf(index * 3), "meanwhile", {}, storeCall()));
    meanwhile.push(store.writeSecret(`${String(index)}/NEW`, "meanwhile", {}, storeCall()));
    meanwhile.push(store.deleteSecret(nameOf(300 + index), { recoveryWindowInDays: 7 }, storeCall()));
    if (index % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  meanwhile.push(store.restoreSecret(nameOf(1), {}, storeCall()));
  await Promise.all(meanwhile);
  expect(await rewrapping).toBe(filled);
  expect(await store.maintenance.rewrap()).toBe(0);
  await store.close();
  expect(countByKey()).toEqual([{ key_id: await testCipher(rotated).currentKeyId(), count: filled + 200 }]);
  const reopened = await openTestStore(path, { keys: rotated.slice(0, 1) });
  expect(await reopened.readSecret(nameOf(1))).toMatchObject({ value: `5 ${nameOf(1)}` });
  await reopened.restoreSecret(nameOf(350), {}, storeCall());
  expect(await reopened.readSecret(nameOf(350))).toMatchObject({ value: `0 ${nameOf(350)}` });
  await reopened.close();
});

it("goes on after a key service that went away, through indexes alone", async () => {
  await fill();
  const database = new SqliteDatabase(path);
  const plans = recordPlans(database);
  const identity = await recogniseStore(database, () => testCipher(rotated));
  const cipher = testCipher(rotated);
  let left = 777;
  const failing: StoreCipher = {
    currentKeyId: () => cipher.currentKeyId(),
    seal: (binding, payload) => cipher.seal(binding, payload),
    open: (binding, sealed) => cipher.open(binding, sealed),
    rewrap: (binding, sealed) => {
      left -= 1;
      if (left < 0) throw new Error("placeholder");
      return cipher.rewrap(binding, { ...sealed });
    },
  };
  const context = { ...identity, now: () => Date.now(), maxVersionsPerSecret: 100 };
  await expect(rewrapAll({ ...context, cipher: failing }, database)).rejects.toMatchObject({
    reason: "MANAGER_UNAVAILABLE",
  });
  const rest = await rewrapAll({ ...context, cipher }, database);
  expect(rest.wrapped).toBeGreaterThan(0);
  expect(rest.wrapped).toBeLessThan(filled);
  expect(plans()).not.toEqual([]);
  expect(plans().filter((detail) => detail.startsWith("SCAN"))).toEqual([]);
  await database.close();
  expect(countByKey()).toEqual([{ key_id: await cipher.currentKeyId(), count: filled }]);
});

/** Notes how SQLite goes about what is asked of a database; gives what it has noted. */
function recordPlans(database: SqliteDatabase): () => readonly string[] {
  const plans = new Map<string, readonly string[]>();
  const recorded = (session: SqlSession): SqlSession["all"] => {
    return (sql, parameters) => {
      const rows = session.all(`EXPLAIN QUERY PLAN ${sql}`, parameters) as readonly Record<string, unknown>[];
      plans.set(
        sql,
        rows.map(({ detail }) => String(detail)),
      );
      return session.all(sql, parameters);
    };
  };
  const { read, transact } = { read: database.read.bind(database), transact: database.transact.bind(database) };
  database.read = (work) => read((session) => work({ ...bound(session), all: recorded(session) }));
  database.transact = (work) =>
    transact((transaction) => work({ ...transaction, all: recorded(transaction), run: transaction.run }));
  return () => [...plans.values()].flat();
}

function bound(session: SqlSession): SqlSession {
  return { all: session.all.bind(session), run: session.run.bind(session) };
}
