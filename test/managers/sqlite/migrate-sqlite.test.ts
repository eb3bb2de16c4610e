import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SqliteDatabase } from "../../../src/managers/sqlite/sqlite-database.js";
import type { SecretStore } from "../../../src/store/secret-store.js";
import { openTestStore } from "../../store/open-test-store.js";
import { storeCall } from "../../store/store-call.js";
import { rowsOf, toSecondSchema } from "./second-schema.js";

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "migrate-sqlite-"));
  path = join(directory, "secrets.db");
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** What a program of the first schema would have left: the counter moves with the log, and there is no second step. */
const asFirstSchema = `UPDATE store SET revision = (SELECT revision FROM latest_revision);
  DROP VIEW latest_revision; DELETE FROM schema_migrations WHERE version = 2`;

/** What it leaves when it has brought a backup back: no log, and revisions far ahead. */
const asRestored = `DELETE FROM changes; UPDATE store SET revision = 1000, compacted_revision = 1000`;

function change(sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

/** Makes the file what the program of the first step left, and does something more to it. */
function toFirstSchema(more = ""): void {
  toSecondSchema(path);
  change(`${more}; ${asFirstSchema}`);
}

async function writeAll(names: readonly string[]): Promise<void> {
  const store = await openTestStore(path);
  for (const name of names) await store.writeSecret(name, "placeholder", {}, storeCall());
  await store.close();
}

/** Which names changed after a revision, up to now, and what the newest revision is. */
async function changesAfter(store: SecretStore, revision: bigint): Promise<[names: string[], latest: bigint]> {
  const names: string[] = [];
  for await (const event of store.watchSecrets(revision, storeCall())) {
    if (event.kind === "synced") return [names, event.revision];
    if ("secret" in event) names.push(event.secret.name);
  }
  return [names, -1n];
}

describe("a file of the first schema", () => {
  it("is brought up to date, and its revisions go on where they ended", async () => {
    await writeAll(["A", "B"]);
    toFirstSchema();
    await writeAll(["C", "A"]);
    const store = await openTestStore(path);
    expect(await changesAfter(store, 1n)).toEqual([["B", "C", "A"], 4n]);
    expect(await changesAfter(store, 2n)).toEqual([["C", "A"], 4n]);
    expect((await store.readSecret("B"))?.value).toBe("placeholder");
    await store.close();
  });

  it("goes on from where a restored store begins, as the log is empty then", async () => {
    await writeAll(["A"]);
    toFirstSchema(asRestored);
    const store = await openTestStore(path);
    expect(await changesAfter(store, 1_000n)).toEqual([[], 1_000n]);
    await expect(changesAfter(store, 1n)).rejects.toMatchObject({ reason: "REVISION_COMPACTED" });
    await store.writeSecret("B", "placeholder", {}, storeCall());
    expect(await changesAfter(store, 1_000n)).toEqual([["B"], 1_001n]);
    await store.close();
  });

  it("is refused and left as it is when something of it was changed", async () => {
    await writeAll(["A"]);
    toFirstSchema("DROP INDEX versions_due");
    await expect(openTestStore(path)).rejects.toMatchObject({ reason: "CONFIG_INVALID" });
    const database = new DatabaseSync(path, { readOnly: true });
    expect(database.prepare("SELECT COUNT(*) AS count FROM schema_migrations").get()).toEqual({ count: 1 });
    database.close();
  });
});

describe("a file of the second schema", () => {
  it("is refused when what the second step made is gone", async () => {
    await writeAll(["A"]);
    toSecondSchema(path);
    change("DROP VIEW latest_revision");
    const before = rowsOf(path);
    await expect(openTestStore(path)).rejects.toMatchObject({ reason: "CONFIG_INVALID" });
    expect(rowsOf(path)).toEqual(before);
  });

  it("is refused to a guest, which changes nothing", async () => {
    await writeAll(["A"]);
    toSecondSchema(path);
    const before = rowsOf(path);
    expect(() => new SqliteDatabase(path, { isGuest: true })).toThrow(/older version of the broker; start this one's/u);
    expect(rowsOf(path)).toEqual(before);
  });
});
