import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SqliteDatabase } from "../../../src/managers/sqlite/sqlite-database.js";
import { openTestStore, testStoreKeys } from "../../store/open-test-store.js";
import { storeCall } from "../../store/store-call.js";

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "store-files-"));
  path = join(directory, "data", "secrets.db");
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** A store with some secrets, closed again. */
async function makeStore(count = 50): Promise<void> {
  const store = await openTestStore(path);
  for (let index = 0; index < count; index += 1) {
    await store.writeSecret(`KEY_${String(index)}`, `placeholder ${String(index)}`.repeat(50), {}, storeCall());
  }
  await store.close();
}

/** Changes the closed file by SQL, as somebody with access to the disk could. */
function tamper(sql: string): void {
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  database.exec(sql);
  database.close();
}

async function values(names: readonly string[]): Promise<unknown[]> {
  const store = await openTestStore(path);
  const read = await Promise.allSettled(names.map(async (name) => (await store.readSecret(name))?.value));
  await store.close();
  return read.map((one) => (one.status === "fulfilled" ? one.value : (one.reason as { reason: string }).reason));
}

describe("the files of a store", () => {
  it("are for their own user alone", async () => {
    const store = await openTestStore(path);
    await store.writeSecret("KEY", "placeholder", {}, storeCall());
    expect((statSync(join(directory, "data")).mode & 0o777).toString(8)).toBe("700");
    for (const file of readdirSync(join(directory, "data"))) {
      expect([file, (statSync(join(directory, "data", file)).mode & 0o777).toString(8)]).toEqual([file, "600"]);
    }
    await store.close();
  });

  it("hold no value, written, replaced, deleted or asked for twice", async () => {
    const store = await openTestStore(path);
    const planted = ["canary-one-7f3a", "canary-two-7f3a", "canary-three-7f3a"];
    await store.writeSecret("KEY", planted[0] ?? "", { requestId: "r1" }, storeCall());
    await store.writeSecret("KEY", planted[1] ?? "", {}, storeCall());
    await store.rotateSecret("KEY", "OTHER", planted[2] ?? "", {}, storeCall());
    const seen = (): string =>
      readdirSync(join(directory, "data"))
        .map((file) => readFileSync(join(directory, "data", file)).toString("latin1"))
        .join("");
    for (const value of planted) expect(seen()).not.toContain(value);
    await store.close();
    for (const value of planted) expect(seen()).not.toContain(value);
  });

  it("lose the bytes of what is destroyed", async () => {
    const store = await openTestStore(path);
    const { version = 0 } = await store.writeSecret("KEY", "x".repeat(3_000), {}, storeCall());
    await store.writeSecret("KEY", "y", {}, storeCall());
    const before = new DatabaseSync(path, { readOnly: true });
    const [row] = before.prepare("SELECT ciphertext FROM versions WHERE version = 1").all();
    before.close();
    const ciphertext = Buffer.from(row?.["ciphertext"] as Uint8Array).toString("latin1");
    // A payload may be parted between pages, so any piece of it counts.
    const pieces = Array.from({ length: 20 }, (_, index) => ciphertext.slice(100 + index * 100, 130 + index * 100));
    const held = (): boolean =>
      readdirSync(join(directory, "data")).some((file) => {
        const bytes = readFileSync(join(directory, "data", file)).toString("latin1");
        return pieces.some((piece) => bytes.includes(piece));
      });
    expect(held()).toBe(true);
    await store.destroySecret("KEY", { version }, storeCall());
    expect(held()).toBe(false);
    await store.close();
  });

  it("are refused to a second process, by the name of the first", async () => {
    await makeStore(1);
    const script = `
      const { SqliteDatabase } = await import(process.argv[1]);
      new SqliteDatabase(process.argv[2]);
      console.log("open");
      setInterval(() => undefined, 1000);`;
    const built = new URL("../../../dist/managers/sqlite/sqlite-database.js", import.meta.url).href;
    const first = spawn(process.execPath, ["--input-type=module", "--eval", script, "--", built, path]);
    await once(first.stdout, "data");
    await expect(openTestStore(path)).rejects.toMatchObject({
      reason: "CONFIG_INVALID",
      message: expect.stringContaining(`process ${String(first.pid)}`) as unknown,
    });
    first.kill("SIGKILL");
    await once(first, "exit");
    expect(await values(["KEY_0"])).toEqual(["placeholder 0".repeat(50)]);
  });

  it("are refused to a second opening in the same process", async () => {
    const store = await openTestStore(path);
    await expect(openTestStore(path)).rejects.toMatchObject({ reason: "CONFIG_INVALID" });
    await store.close();
    await (await openTestStore(path)).close();
  });

  it.each([
    ["cut in half", (): void => truncateSync(path, Math.floor(statSync(path).size / 2))],
    ["cut to a few bytes", (): void => truncateSync(path, 60)],
    ["something else", (): void => writeFileSync(path, "no database".repeat(1_000))],
  ])("are refused when one was %s, and left as they are", async (_how, damage) => {
    await makeStore();
    damage();
    const damaged = readFileSync(path);
    await expect(openTestStore(path)).rejects.toMatchObject({ reason: "PAYLOAD_CORRUPT" });
    expect(readFileSync(path).equals(damaged)).toBe(true);
  });

  it("are refused when the schema is newer, or is not what it was", async () => {
    await makeStore(1);
    copyFileSync(path, `${path}.copy`);
    tamper("INSERT INTO schema_migrations VALUES (99, 'x', 0)");
    await expect(openTestStore(path)).rejects.toMatchObject({
      reason: "CONFIG_INVALID",
      message: expect.stringContaining("newer version") as unknown,
    });
    copyFileSync(`${path}.copy`, path);
    const changes = [
      "DROP INDEX generations_deleted",
      "DROP INDEX versions_due",
      "DROP VIEW latest_revision",
      "ALTER TABLE generations DROP COLUMN description",
      "ALTER TABLE versions ADD COLUMN more TEXT",
      "DROP TABLE answered_requests",
    ];
    for (const sql of changes) {
      tamper(sql);
      await expect(openTestStore(path), sql).rejects.toMatchObject({ reason: "CONFIG_INVALID" });
      copyFileSync(`${path}.copy`, path);
    }
    expect(await values(["KEY_0"])).toEqual(["placeholder 0".repeat(50)]);
  });

  it("do not open under another key, and are not changed by it", async () => {
    await makeStore(1);
    const before = readFileSync(path);
    await expect(openTestStore(path, { keys: testStoreKeys.slice(1) })).rejects.toMatchObject({
      reason: "CONFIG_INVALID",
      message: expect.stringContaining("nothing was changed") as unknown,
    });
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(await values(["KEY_0"])).toEqual(["placeholder 0".repeat(50)]);
  });

  it.each([
    "UPDATE versions SET uid = (SELECT uid FROM generations WHERE name = 'KEY_1'), version = 2 WHERE uid = (SELECT uid FROM generations WHERE name = 'KEY_0'); UPDATE generations SET active_version = 2, last_version = 2 WHERE name = 'KEY_1'",
    "UPDATE generations SET name = CASE name WHEN 'KEY_0' THEN 'SWAP' ELSE name END; UPDATE generations SET name = 'KEY_0' WHERE name = 'KEY_1'; UPDATE generations SET name = 'KEY_1' WHERE name = 'SWAP'",
    "UPDATE generations SET sort_key = x'00' WHERE name = 'KEY_1'; UPDATE generations SET sort_key = x'004b00450059005f0031' WHERE name = 'KEY_0'",
    "UPDATE versions SET ciphertext = (SELECT ciphertext FROM versions v JOIN generations g USING (uid) WHERE g.name = 'KEY_0')",
    "UPDATE versions SET wrapped_key = (SELECT wrapped_key FROM versions v JOIN generations g USING (uid) WHERE g.name = 'KEY_0')",
    "UPDATE versions SET is_text = 0",
    "UPDATE versions SET ciphertext = zeroblob(60)",
    "UPDATE versions SET ciphertext = x''",
    "INSERT INTO generations SELECT name, sort_key, 'another', active_version, last_version, description, tags, created_at, updated_at, changed_by, NULL, NULL FROM generations WHERE name = 'KEY_1'",
  ])("never give one secret for another: %s", async (sql) => {
    await makeStore(2);
    tamper(sql);
    const [, second] = await values(["KEY_0", "KEY_1"]);
    expect(second).toBe("PAYLOAD_CORRUPT");
  });

  it.runIf(process.getuid?.() !== 0)("that can only be read are refused with what to do", async () => {
    await makeStore(1);
    chmodSync(path, 0o400);
    await expect(openTestStore(path)).rejects.toMatchObject({ reason: "CONFIG_INVALID" });
  });
});

describe("a database in a file", () => {
  it("undoes one work that fails and keeps those that share its commit", async () => {
    const store = await openTestStore(path);
    const outcomes = await Promise.allSettled([
      store.writeSecret("A", "1", {}, storeCall()),
      store.writeSecret("A", "2", { expectedVersion: 7 }, storeCall()),
      store.writeSecret("B", "3", {}, storeCall()),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    await store.close();
    expect(await values(["A", "B"])).toEqual(["1", "3"]);
  });

  it("lets one of those win who make a name live at the same moment", async () => {
    const store = await openTestStore(path);
    await store.writeSecret("A", "deleted", {}, storeCall());
    await store.deleteSecret("A", { recoveryWindowInDays: 7 }, storeCall());
    for (const name of ["B", "C"]) await store.writeSecret(name, name, {}, storeCall());
    const outcomes = await Promise.allSettled([
      store.writeSecret("A", "1", { expectedVersion: 0 }, storeCall()),
      store.writeSecret("A", "2", { expectedVersion: 0 }, storeCall()),
      store.rotateSecret("B", "A", "3", {}, storeCall()),
      store.restoreSecret("A", {}, storeCall()),
      store.rotateSecret("C", "A", "4", {}, storeCall()),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", ...Array<string>(4).fill("rejected")]);
    for (const outcome of outcomes.slice(1)) expect(outcome).toMatchObject({ reason: { reason: "SECRET_EXISTS" } });
    await store.close();
    const database = new DatabaseSync(path, { readOnly: true });
    const living = database.prepare("SELECT name FROM generations WHERE deleted_at IS NULL ORDER BY name").all();
    database.close();
    expect(living.map(({ name }) => name)).toEqual(["A", "B", "C"]);
    expect(await values(["A", "B", "C"])).toEqual(["1", "B", "C"]);
  });

  it("undoes alone what fails after it has changed something", async () => {
    await makeStore(1);
    const database = new SqliteDatabase(path);
    const rename = (to: string): string => `UPDATE generations SET description = '${to}'`;
    const outcomes = await Promise.allSettled([
      database.transact((transaction) => Promise.resolve(transaction.run("UPDATE store SET revision = 70"))),
      database.transact((transaction) => {
        void transaction.run(rename("undone"));
        return Promise.reject(new Error("placeholder"));
      }),
      database.transact((transaction) => Promise.resolve(transaction.run("UPDATE store SET compacted_revision = 60"))),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    const [row] = await database.read((session) => session.all("SELECT revision, compacted_revision FROM store"));
    expect(row).toEqual({ revision: 70, compacted_revision: 60 });
    const [kept] = await database.read((session) => session.all("SELECT description FROM generations"));
    expect(kept).toEqual({ description: null });
    await database.close();
  });

  it.each([
    ["the file is removed", (): void => rmSync(path)],
    ["the log of its writes is removed", (): void => rmSync(`${path}-wal`)],
    [
      "another takes its place",
      (): void => {
        copyFileSync(path, `${path}.copy`);
        renameSync(`${path}.copy`, path);
      },
    ],
  ])("acknowledges nothing that a restart would not find, as once %s", async (_what, happen) => {
    const store = await openTestStore(path);
    await store.writeSecret("KEY", "before", {}, storeCall());
    happen();
    const refused = {
      reason: "MANAGER_UNAVAILABLE",
      message: expect.stringContaining("removed or replaced") as string,
    };
    await expect(store.writeSecret("KEY", "after", {}, storeCall())).rejects.toMatchObject(refused);
    expect(await store.readSecret("KEY")).toMatchObject({ value: "before" });
    expect(await store.checkHealth()).toBe(false);
    await store.close();
  });

  it("refuses work after it is closed", async () => {
    const database = new SqliteDatabase(path);
    await database.close();
    await database.close();
    await expect(database.transact(() => Promise.resolve())).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    await expect(database.read(() => 1)).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    expect(await database.isHealthy()).toBe(false);
  });

  it("tells listeners of every commit until they end", async () => {
    const store = await openTestStore(path);
    await store.close();
    const database = new SqliteDatabase(path);
    let told = 0;
    const end = database.onChange(() => (told += 1));
    await database.transact((transaction) => Promise.resolve(transaction.run("UPDATE store SET revision = 5")));
    end();
    await database.transact((transaction) => Promise.resolve(transaction.run("UPDATE store SET revision = 6")));
    await database.close();
    expect(told).toBe(1);
  });
});
