import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SqliteConnection } from "../../../src/managers/sqlite/sqlite-connection.js";
import { SqliteDatabase } from "../../../src/managers/sqlite/sqlite-database.js";
import { type BackupInput, restoreBackup, verifyBackup } from "../../../src/store/backup/restore-backup.js";
import { writeBackup } from "../../../src/store/backup/write-backup.js";
import type { GenerationsKey, SqlDatabase } from "../../../src/store/sql-database.js";
import { recogniseStore } from "../../../src/store/store-identity.js";
import { openTestStore } from "../../store/open-test-store.js";
import { storeCall } from "../../store/store-call.js";
import { testCipher } from "../../store/test-cipher.js";
import { rowsOf, toSecondSchema } from "./second-schema.js";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "older-backup-"));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** More than a page of generations, some deleted, some written again. */
async function fill(path: string): Promise<void> {
  const store = await openTestStore(path);
  const names = Array.from({ length: 700 }, (_, index) => `${String((index * 11) % 700)}/NAME`);
  await Promise.all(names.map((name) => store.writeSecret(name, `value of ${name}`, { requestId: name }, storeCall())));
  for (const name of names.slice(0, 30)) {
    await store.deleteSecret(name, { recoveryWindowInDays: 7 }, storeCall());
    await store.writeSecret(name, "again", {}, storeCall());
  }
  await store.close();
}

/** A file of the layout before, which the program no longer opens as it is, and which is read in the order of its uids. */
function readAsBefore(path: string): SqlDatabase {
  const connection = new SqliteConnection(path, { readOnly: true });
  const generationsKey: GenerationsKey = ["uid"];
  return {
    description: path,
    generationsKey,
    read: async (work) => await work(connection),
    transact: () => Promise.reject(new Error("only read")),
    onChange: () => () => undefined,
    isHealthy: () => Promise.resolve(true),
    purge: () => Promise.resolve(),
    close: () => {
      connection.close();
      return Promise.resolve();
    },
  };
}

async function backUp(database: SqlDatabase): Promise<BackupInput> {
  const pieces: Uint8Array[] = [];
  const identity = await recogniseStore(database, () => testCipher());
  await writeBackup({ ...identity, database }, (bytes) => {
    pieces.push(bytes);
    return Promise.resolve();
  });
  await database.close();
  const whole = Buffer.concat(pieces);
  const open: BackupInput["open"] = () => {
    let at = 0;
    return (length) => whole.subarray(at, (at += length));
  };
  return { open };
}

it.each([
  ["by uid, as those before are", readAsBefore],
  ["by name", (path: string): SqlDatabase => new SqliteDatabase(path)],
])("a backup whose secrets are in order %s is restored whole", async (_order, open) => {
  const from = join(directory, "from.db");
  await fill(from);
  const before = rowsOf(from);
  if (open === readAsBefore) toSecondSchema(from);
  const backup = await backUp(open(from));
  expect(await verifyBackup(backup, () => testCipher())).toMatchObject({ generations: 730, versions: 730 });
  const to = join(directory, "to.db");
  const database = new SqliteDatabase(to);
  await restoreBackup(backup, database, () => testCipher());
  await database.close();
  const tables = ["generations", "versions", "answered_requests"];
  for (const table of tables) expect(rowsOf(to)[table]).toEqual(before[table]);
  const store = await openTestStore(to);
  expect(await store.readSecret("77/NAME")).toMatchObject({ value: "again" });
  expect(await store.readSecret("699/NAME")).toMatchObject({ value: "value of 699/NAME" });
  await store.close();
});
