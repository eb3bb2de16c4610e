import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SecretStore } from "../../../src/store/secret-store.js";
import { canMount } from "../../fault/can-mount.js";
import { openTestStore, TestClock } from "../../store/open-test-store.js";
import { storeCall } from "../../store/store-call.js";
import { rowsOf, toSecondSchema } from "./second-schema.js";

const day = 86_400_000;

let directory: string;
let path: string;
let clock: TestClock;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "generations-by-name-"));
  mkdirSync(join(directory, "disk"));
  path = join(directory, "disk", "secrets.db");
  clock = new TestClock(Date.UTC(2026, 0, 1));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** What somebody sees of a store, whatever is in it. */
async function everything(store: SecretStore): Promise<unknown> {
  const query = { prefix: "", tags: {}, showDeleted: true, pageSize: 3 };
  const listed = [];
  let pageToken: string | undefined;
  do {
    const page = await store.listSecrets({ ...query, pageToken });
    listed.push(...page.secrets);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  const names = [...new Set(listed.map(({ name }) => name)), "absent"];
  const seen = await Promise.all(
    names.map((name) =>
      Promise.allSettled([
        store.readSecret(name),
        store.describeSecret(name),
        ...[1, 2, 3].map((version) => store.readSecretVersion(name, version)),
      ]),
    ),
  );
  return { listed, seen, changes: [await changesAfter(store, 0n), await changesAfter(store, 5n)] };
}

async function changesAfter(store: SecretStore, revision: bigint): Promise<unknown> {
  const events = [];
  for await (const event of store.watchSecrets(revision, storeCall())) {
    events.push(event);
    if (event.kind === "synced") break;
  }
  return events;
}

/** Secrets of every sort; closed again. */
async function fill(): Promise<void> {
  const store = await openTestStore(path, { clocks: clock });
  const write = (name: string, value: string | Uint8Array, options = {}): Promise<unknown> =>
    store.writeSecret(name, value, options, storeCall());
  for (const name of ["z", "ü", "b/c", "a", "\u{1F511}", "b"]) await write(name, `first of ${name}`);
  await write("a", "second", { description: "what it is", tags: { Team: "ü", "a b": "" } });
  await write("a", Uint8Array.of(0, 1, 255), { requestId: "once" });
  await write("expired", "x", { expireTime: new Date(clock.wall() + 1_000) });
  await write("later", "x", { expireTime: new Date(clock.wall() + day) });
  await write("many", "0");
  for (let life = 1; life <= 4; life += 1) {
    clock.pass(10);
    await store.deleteSecret("many", { recoveryWindowInDays: life }, storeCall());
    await write("many", `life ${String(life)}`);
  }
  await store.deleteSecret("z", { recoveryWindowInDays: 7 }, storeCall());
  await store.deleteSecret("b/c", { recoveryWindowInDays: 0 }, storeCall());
  await store.destroySecret("a", { version: 1 }, storeCall());
  clock.pass(2_000);
  await store.maintenance.sweep();
  await store.close();
}

/** Adds as many rows as a migration takes a while for; nobody reads them. */
function addRows(count: number): void {
  const database = new DatabaseSync(path);
  database.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${String(count)})
    INSERT INTO generations (uid, name, sort_key, last_version, created_at, updated_at, description)
    SELECT 'u' || i, 'n' || i, CAST(i * 7919 % 100003 || ':' || i AS BLOB), 0, 0, 0, hex(randomblob(100)) FROM n`);
  database.close();
}

const oldSteps = [{ version: 1 }, { version: 2 }];
const allSteps = [...oldSteps, { version: 3 }];

describe("a file of the second schema", () => {
  it("reads the same after it is brought up to date, and goes on", async () => {
    await fill();
    const made = await openTestStore(path, { clocks: clock });
    const before = await everything(made);
    await made.close();
    toSecondSchema(path);
    const rows = rowsOf(path);
    expect(rows["generations"]).toHaveLength(12);
    const store = await openTestStore(path, { clocks: clock });
    expect(await everything(store)).toEqual(before);
    expect(rowsOf(path)).toEqual({ ...rows, steps: allSteps });
    const again = await store.writeSecret("a", Uint8Array.of(0, 1, 255), { requestId: "once" }, storeCall());
    expect(again).toMatchObject({ version: 3 });
    await expect(store.writeSecret("a", "x", { expectedVersion: 0 }, storeCall())).rejects.toMatchObject({
      reason: "SECRET_EXISTS",
    });
    await store.restoreSecret("z", {}, storeCall());
    expect(await store.readSecret("z")).toMatchObject({ value: "first of z" });
    clock.pass(8 * day);
    expect(await store.maintenance.sweep()).toEqual({ generations: 4, versions: 1 });
    await store.close();
  });

  it("keeps secrets in the order of their names from then on", async () => {
    await fill();
    toSecondSchema(path);
    await (await openTestStore(path)).close();
    const database = new DatabaseSync(path, { readOnly: true });
    const names = database.prepare("SELECT name FROM generations").all();
    expect(names.map(({ name }) => name)).toEqual(
      names.map(({ name }) => String(name)).sort((a, b) => Number(a > b) - Number(a < b)),
    );
    expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
    database.close();
  });

  it("stays as it was when the last of it fails", async () => {
    await fill();
    toSecondSchema(path);
    // A table cannot be renamed while a view refers to what is not there.
    change("CREATE VIEW in_the_way AS SELECT * FROM nowhere");
    const before = rowsOf(path);
    await expect(openTestStore(path)).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    expect(rowsOf(path)).toEqual(before);
    change("DROP VIEW in_the_way");
    await (await openTestStore(path)).close();
    expect(rowsOf(path)).toEqual({ ...before, steps: allSteps });
  });

  it("stays as it was when the program is killed in the midst of it", { timeout: 120_000 }, async () => {
    await fill();
    toSecondSchema(path);
    addRows(60_000);
    copyFileSync(path, `${path}.copy`);
    const before = rowsOf(path);
    for (let tries = 0; tries < 10; tries += 1) {
      await killWhileItMigrates();
      const after = rowsOf(path);
      expect(after).toEqual({ ...before, steps: after["steps"] });
      if (after["steps"]?.length === oldSteps.length) break;
      rmSync(`${path}-wal`, { force: true });
      copyFileSync(`${path}.copy`, path);
    }
    expect(rowsOf(path)).toEqual(before);
    await (await openTestStore(path)).close();
    expect(rowsOf(path)).toEqual({ ...before, steps: allSteps });
  });

  it.skipIf(!canMount)("stays as it was when the disk is full (skipped: this user may not mount one)", async () => {
    const disk = join(directory, "disk");
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", disk]);
    try {
      await fill();
      toSecondSchema(path);
      addRows(10_000);
      const before = rowsOf(path);
      const { bavail, bsize } = statfsSync(disk);
      writeFileSync(join(disk, "filler"), Buffer.alloc(bavail * bsize - 500_000));
      await expect(openTestStore(path)).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
      expect(rowsOf(path)).toEqual(before);
      rmSync(join(disk, "filler"));
      await (await openTestStore(path)).close();
      expect(rowsOf(path)).toEqual({ ...before, steps: allSteps });
    } finally {
      execFileSync("umount", [disk]);
    }
  });
});

function change(sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

/** Starts a program that opens the store, and kills it once it has begun to write. */
async function killWhileItMigrates(): Promise<void> {
  const script = `
    const { SqliteDatabase } = await import(process.argv[1]);
    new SqliteDatabase(process.argv[2]);`;
  const built = new URL("../../../dist/managers/sqlite/sqlite-database.js", import.meta.url).href;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script, "--", built, path]);
  const ended = once(child, "exit");
  const hasBegun = (): boolean => (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 1_000_000;
  while (child.exitCode === null && !hasBegun()) await delay(1);
  child.kill("SIGKILL");
  await ended;
}
