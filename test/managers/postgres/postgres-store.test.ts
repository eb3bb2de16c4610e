import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SecretManager, WatchEvent } from "../../../src/contract/secret-manager.js";
import type { SecretStore } from "../../../src/store/secret-store.js";
import { describeSecretManager, type ManagerSubject } from "../../../src/testkit/index.js";
import { describeOverGrpc, openBrokerAsManager } from "../../conformance/broker-as-manager.js";
import { guardedAsManager } from "../../conformance/guarded-as-manager.js";
import { throughWrapper } from "../../conformance/subjects.js";
import { assertKeepsToModel } from "../../store/keep-to-model.js";
import { storeCapabilities, type TestStoreOptions, testStoreKeys } from "../../store/open-test-store.js";
import { storeCall } from "../../store/store-call.js";
import { openPostgresStore } from "./open-postgres-store.js";
import { isPostgresMissing, titleOf } from "./postgres-programs.js";
import { PostgresServerProcess } from "./start-postgres.js";
import { range } from "./tables.js";

/** How many sequences; a long run is `SECRET_BROKER_MODEL_RUNS=1000 npx vitest run test/managers/postgres`. */
const runs = Number(process.env["SECRET_BROKER_MODEL_RUNS"] ?? "12");

describe.skipIf(isPostgresMissing)(titleOf("a store in PostgreSQL"), () => {
  let server: PostgresServerProcess;
  let schemas = 0;

  beforeAll(async () => {
    server = await PostgresServerProcess.start();
  });

  afterAll(async () => {
    await server.remove();
  });

  /** A schema that nothing is in. */
  function newSchema(): string {
    schemas += 1;
    return `store_${String(schemas)}`;
  }

  async function open(schema: string, options?: TestStoreOptions): Promise<SecretStore> {
    return await openPostgresStore({ server: server.url(), schema }, options);
  }

  const subject: ManagerSubject = { open: () => open(newSchema()), capabilities: storeCapabilities };
  describeSecretManager({ describe, it }, "postgres", subject);
  describeSecretManager({ describe, it }, "postgres behind the guard", throughWrapper(subject, guardedAsManager));

  const openBroker = (): Promise<SecretManager> => {
    const manager = `{ kind: postgres, url_file: url, schema: ${newSchema()}, max_connections: 4 }`;
    return openBrokerAsManager(manager, storeCapabilities, { url: server.url() });
  };
  describeOverGrpc("postgres", openBroker, storeCapabilities);

  it("does the same as a simple model, whatever is done", { timeout: 3_600_000 }, async () => {
    await assertKeepsToModel({
      runs,
      make: () => {
        const schema = newSchema();
        return Promise.resolve({
          open: (clocks) => open(schema, { clocks }),
          remove: async () => {
            await server.sql(`DROP SCHEMA ${schema} CASCADE`);
          },
        });
      },
    });
  });

  /** A store with two secrets, closed again. */
  async function makeStore(): Promise<string> {
    const schema = newSchema();
    const store = await open(schema);
    for (const name of ["KEY_0", "KEY_1"]) {
      await store.writeSecret(name, `placeholder of ${name}`.repeat(50), {}, storeCall());
    }
    await store.close();
    return schema;
  }

  async function outcomeOf(schema: string, name: string): Promise<unknown> {
    const store = await open(schema);
    const [read] = await Promise.allSettled([store.readSecret(name)]);
    await store.close();
    return read.status === "fulfilled" ? read.value?.value : (read.reason as { reason: string }).reason;
  }

  /** All tables of a schema as text. */
  async function contentOf(schema: string): Promise<string> {
    const sql = `SELECT query_to_xml('SELECT * FROM ${schema}.' || tablename, true, true, '')
      FROM pg_tables WHERE schemaname = '${schema}' ORDER BY tablename`;
    return await server.sql(sql);
  }

  function filesContain(text: string): boolean {
    return globSync("**/*", { cwd: server.dataFolder })
      .map((file) => join(server.dataFolder, file))
      .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true)
      .some((file) => bytesIn(file).includes(text));
  }

  it("shows the server and its files no value, written, replaced, deleted or asked for twice", async () => {
    const store = await open(newSchema());
    const planted = ["canary-one-7f3a", "canary-two-7f3a", "canary-three-7f3a"];
    await store.writeSecret("KEY", planted[0] ?? "", { requestId: "r1", description: "seen-7f3a" }, storeCall());
    await store.writeSecret("KEY", planted[0] ?? "", { requestId: "r1", description: "seen-7f3a" }, storeCall());
    await store.writeSecret("KEY", planted[1] ?? "", {}, storeCall());
    await store.rotateSecret("KEY", "OTHER", planted[2] ?? "", {}, storeCall());
    await store.deleteSecret("OTHER", { recoveryWindowInDays: 1 }, storeCall());
    await store.close();
    await server.sql("CHECKPOINT");
    // What is not a payload shows that the right files are looked at.
    expect(filesContain("seen-7f3a")).toBe(true);
    for (const value of planted) expect(filesContain(value)).toBe(false);
  });

  it("keeps no key to what is destroyed, and has the server clear the rows it replaced", async () => {
    const schema = newSchema();
    const store = await open(schema);
    const { version = 0 } = await store.writeSecret("KEY", "x", {}, storeCall());
    await store.writeSecret("KEY", "y", {}, storeCall());
    await store.destroySecret("KEY", { version }, storeCall());
    await store.close();
    const sql = `SELECT version, key_id, wrapped_key, ciphertext FROM ${schema}.versions WHERE key_id IS NULL`;
    expect(await server.sql(sql)).toBe("1|||");
    const statistics = `SELECT vacuum_count > 0 FROM pg_stat_user_tables
      WHERE schemaname = '${schema}' AND relname = 'versions'`;
    await expect.poll(() => server.sql(statistics)).toBe("t");
  });

  it("does not open under another key, and is not changed by it", async () => {
    const schema = await makeStore();
    const before = await contentOf(schema);
    await expect(open(schema, { keys: testStoreKeys.slice(1) })).rejects.toMatchObject({
      reason: "CONFIG_INVALID",
      message: expect.stringContaining("nothing was changed") as unknown,
    });
    expect(await contentOf(schema)).toBe(before);
    expect(await outcomeOf(schema, "KEY_0")).toBe("placeholder of KEY_0".repeat(50));
  });

  it("is begun once when many brokers open it first", async () => {
    const schema = newSchema();
    const stores = await Promise.all(range(6).map(() => open(schema)));
    await stores[0]?.writeSecret("KEY", "placeholder", {}, storeCall());
    for (const store of stores) expect(await store.readSecret("KEY")).toMatchObject({ value: "placeholder" });
    await Promise.all(stores.map((store) => store.close()));
  });

  it.each([
    "UPDATE versions SET uid = (SELECT uid FROM generations WHERE name = 'KEY_1'), version = 2 WHERE uid = (SELECT uid FROM generations WHERE name = 'KEY_0'); UPDATE generations SET active_version = 2, last_version = 2 WHERE name = 'KEY_1'",
    "UPDATE generations SET name = CASE name WHEN 'KEY_0' THEN 'KEY_1' ELSE 'KEY_0' END",
    "UPDATE generations SET sort_key = '' WHERE name = 'KEY_1'; UPDATE generations SET sort_key = '\\x004b00450059005f0031' WHERE name = 'KEY_0'",
    "UPDATE versions SET ciphertext = (SELECT ciphertext FROM versions v JOIN generations g USING (uid) WHERE g.name = 'KEY_0')",
    "UPDATE versions SET wrapped_key = (SELECT wrapped_key FROM versions v JOIN generations g USING (uid) WHERE g.name = 'KEY_0')",
    "UPDATE versions SET is_text = 0",
    "UPDATE versions SET ciphertext = decode(repeat('00', 60), 'hex')",
    "UPDATE versions SET ciphertext = ''",
  ])("never gives one secret for another: %s", async (sql) => {
    const schema = await makeStore();
    await server.sql(`SET search_path = ${schema}; ${sql}`);
    expect(await outcomeOf(schema, "KEY_1")).toBe("PAYLOAD_CORRUPT");
  });

  it("tells who watches one broker what another one writes", async () => {
    const schema = newSchema();
    const [watching, writing] = [await open(schema), await open(schema)];
    const ending = new AbortController();
    const seen: string[] = [];
    const watched = (async () => {
      for await (const event of watching.watchSecrets(0n, storeCall({ signal: ending.signal }))) {
        seen.push(describeEvent(event));
        if (seen.length === 4) return;
      }
    })();
    await expect.poll(() => seen).toStrictEqual(["synced 0"]);
    await writing.writeSecret("KEY", "placeholder", {}, storeCall());
    await expect.poll(() => seen.slice(1, 3)).toStrictEqual(["changed KEY 1", "synced 1"]);
    await writing.deleteSecret("KEY", { recoveryWindowInDays: 1 }, storeCall());
    await watched;
    expect(seen.at(-1)).toBe("removed KEY 2");
    ending.abort();
    await Promise.all([watching.close(), writing.close()]);
  });

  it("answers a repeated request as the first time, whichever broker is asked", async () => {
    const schema = newSchema();
    const stores = await Promise.all([open(schema), open(schema)]);
    const write = (index: number): Promise<unknown> =>
      stores[index % 2 === 0 ? 0 : 1].writeSecret("KEY", "placeholder", { requestId: "r1" }, storeCall());
    const replies = await Promise.all(range(20).map(write));
    for (const reply of replies) expect(reply).toStrictEqual(replies[0]);
    const conflicting = stores[1].writeSecret("KEY", "other", { requestId: "r1" }, storeCall());
    await expect(conflicting).rejects.toMatchObject({ reason: "IDEMPOTENCY_CONFLICT" });
    await Promise.all(stores.map((store) => store.close()));
  });
});

function describeEvent(event: WatchEvent): string {
  const name = "secret" in event ? `${event.secret.name} ` : "";
  return `${event.kind} ${name}${String(event.revision)}`;
}

/** The server makes and removes files as it goes on. */
function bytesIn(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}
