import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { SqliteDatabase } from "../../src/managers/sqlite/sqlite-database.js";
import { BackgroundRewrap } from "../../src/store/background-rewrap.js";
import { compactChanges, revisionRange } from "../../src/store/changes.js";
import { countByKey, rewrapAll } from "../../src/store/rewrap.js";
import type { StoreCipher } from "../../src/store/store-cipher.js";
import type { StoreContext } from "../../src/store/store-context.js";
import { identifyStore } from "../../src/store/store-identity.js";
import { writeSecret } from "../../src/store/write-secret.js";
import { openTestStore, testStoreKeys } from "./open-test-store.js";
import { storeCall } from "./store-call.js";
import { testCipher } from "./test-cipher.js";

const older = testCipher(testStoreKeys);
const newer = testCipher(testStoreKeys.toReversed());
/** More than a page of generations, and of changes. */
const secrets = 300;

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "background-rewrap-"));
  path = join(directory, "secrets.db");
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

describe("wrapping data keys turn by turn", () => {
  let database: SqliteDatabase;
  let context: StoreContext;
  let rewrap: BackgroundRewrap;
  /** The cipher that is used now, as a key management service may change it without a word. */
  let cipher: StoreCipher;
  /** How many pages of all generations were read. */
  let pages: number;

  beforeEach(async () => {
    database = new SqliteDatabase(path);
    const identity = await database.transact((transaction) => identifyStore(transaction, () => older, Date.now()));
    cipher = newer;
    const changing: StoreCipher = {
      currentKeyId: () => cipher.currentKeyId(),
      seal: (binding, payload) => cipher.seal(binding, payload),
      open: (binding, sealed) => cipher.open(binding, sealed),
      rewrap: (binding, sealed) => cipher.rewrap(binding, sealed),
    };
    context = { ...identity, cipher: changing, now: () => Date.now(), maxVersionsPerSecret: 100 };
    await writeUnder(older, 0, secrets);
    pages = 0;
    const read = database.read.bind(database);
    database.read = (work) =>
      read((session) => {
        const all: typeof session.all = (sql, parameters) => {
          pages += Number(sql.includes("FROM generations WHERE"));
          return session.all(sql, parameters);
        };
        return work({ all, run: session.run.bind(session) });
      });
    rewrap = new BackgroundRewrap([context, database]);
  });

  afterEach(async () => {
    await database.close();
  });

  /** Writes as another broker that has another current key. */
  async function writeUnder(other: StoreCipher, from: number, to: number): Promise<void> {
    const writes = Array.from({ length: to - from }, (_, index) => {
      const write = { name: `${String(from + index)}/NAME`, value: "value", options: {} };
      return database.transact((transaction) =>
        writeSecret([{ ...context, cipher: other }, transaction], write, { principal: "another" }),
      );
    });
    await Promise.all(writes);
  }

  /** Does a turn; tells how many data keys it wrapped, and whether it looked at everything. */
  async function turn(): Promise<readonly [number, "everything" | "news"]> {
    pages = 0;
    const wrapped = await rewrap.whatIsDue();
    return [wrapped, pages > 1 ? "everything" : "news"];
  }

  it("looks at everything until nothing is left, and then at what is new", async () => {
    expect(await turn()).toEqual([secrets, "everything"]);
    expect(await turn()).toEqual([0, "everything"]);
    expect(await turn()).toEqual([0, "news"]);
    expect(pages).toBe(0);
    await writeUnder(newer, 0, 10);
    expect(await turn()).toEqual([0, "news"]);
    await writeUnder(older, 5, 5 + secrets);
    expect(await turn()).toEqual([secrets, "news"]);
    expect(await countByKey(database)).toEqual(new Map([[await newer.currentKeyId(), 2 * secrets + 10]]));
    expect(await turn()).toEqual([0, "news"]);
  });

  it("sees that the current key is another one, although nobody said so", async () => {
    await turn();
    await turn();
    cipher = older;
    expect(await turn()).toEqual([secrets, "everything"]);
    expect(await turn()).toEqual([0, "everything"]);
    expect(await turn()).toEqual([0, "news"]);
  });

  it("takes nothing for settled under a key that became the current one in the middle of a turn", async () => {
    await turn();
    await turn();
    const read = database.read.bind(database);
    // The first thing a turn reads comes after it has asked for the key.
    database.read = (work) => {
      database.read = read;
      cipher = older;
      return read(work);
    };
    expect(await turn()).toEqual([0, "news"]);
    expect(await turn()).toEqual([secrets, "everything"]);
  });

  it.each(["everything", "news"] as const)("looks at %s again after a turn that failed", async (what) => {
    if (what === "news") {
      await turn();
      await turn();
      await writeUnder(older, 0, 10);
    }
    let left = 5;
    cipher = {
      ...{ seal: newer.seal.bind(newer), open: newer.open.bind(newer), currentKeyId: () => newer.currentKeyId() },
      rewrap: (binding, sealed) => {
        left -= 1;
        if (left < 0) throw new Error("placeholder");
        return newer.rewrap(binding, sealed);
      },
    };
    await expect(turn()).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    cipher = newer;
    expect(await turn()).toEqual([what === "news" ? 10 : secrets, what]);
    expect(await countByKey(database)).toEqual(
      new Map([[await newer.currentKeyId(), secrets + (what === "news" ? 10 : 0)]]),
    );
  });

  it("looks at everything when the log was cut off behind where it had been", async () => {
    await turn();
    await turn();
    await writeUnder(older, 0, 10);
    await database.transact(async (transaction) => {
      await compactChanges(transaction, (await revisionRange(transaction)).latest);
    });
    expect(await turn()).toEqual([0, "news"]);
    expect(await turn()).toEqual([10, "everything"]);
  });

  it("looks at everything once an hour, as another broker's wrapping is in no log", async () => {
    await turn();
    await turn();
    await rewrapAll({ ...context, cipher: older }, database);
    for (let minute = 1; minute < 60; minute += 1) expect(await turn()).toEqual([0, "news"]);
    expect(await turn()).toEqual([secrets, "everything"]);
  });
});

it("wraps data keys by itself each minute, and everything whenever it is asked to", async () => {
  const first = await openTestStore(path);
  for (const name of ["A", "B", "C"]) await first.writeSecret(name, "value", {}, storeCall());
  await first.close();
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const notes: string[] = [];
  const store = await openTestStore(path, {
    keys: testStoreKeys.toReversed(),
    onNote: (note) => {
      notes.push(note);
    },
  });
  store.maintenance.start();
  vi.advanceTimersByTime(3 * 60_000);
  await store.maintenance.stop();
  expect(notes).toEqual(["wrapped 3 data keys with the current key"]);
  expect(await store.maintenance.countByKey()).toEqual(new Map([[await newer.currentKeyId(), 3]]));
  const guest = new SqliteDatabase(path, { isGuest: true });
  const identity = await guest.transact((transaction) => identifyStore(transaction, () => older, Date.now()));
  await rewrapAll({ ...identity, now: () => Date.now(), maxVersionsPerSecret: 100 }, guest);
  await guest.close();
  expect(await store.maintenance.countByKey()).toEqual(new Map([[await older.currentKeyId(), 3]]));
  expect(await store.maintenance.rewrap()).toBe(3);
  await store.close();
});
