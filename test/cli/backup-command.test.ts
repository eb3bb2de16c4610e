import { randomBytes } from "node:crypto";
import { copyFile, lstat, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SecretBrokerClient } from "../../src/client/index.js";
import { isPostgresMissing, titleOf } from "../managers/postgres/postgres-programs.js";
import { PostgresServerProcess } from "../managers/postgres/start-postgres.js";
import { Watcher } from "../server/watcher.js";
import { launch, run, type RunningCli, type RunResult } from "./run-in-process.js";

let directory: string;
const serving = new Set<RunningCli>();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "backup-"));
});

afterEach(async () => {
  for (const each of serving) each.signal("SIGTERM");
  await Promise.all([...serving].map(({ code }) => code));
  serving.clear();
  await rm(directory, { recursive: true });
});

const at = (name: string): string => join(directory, name);

async function configure(name: string, manager: string, key = "secrets.key"): Promise<string> {
  const text = `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: ${manager}
  encryption: { kind: file, path: ${key} }
  admin: { listen: "off" }
  audit: { sink: file, path: ${name}.jsonl }
  log: { level: error }
`;
  await writeFile(at(`${name}.yaml`), text);
  return at(`${name}.yaml`);
}

async function serve(
  config: string,
): Promise<{ client: SecretBrokerClient; address: string; stop: () => Promise<void> }> {
  const address = `unix:${config}.sock`;
  const running = launch(["serve", "--config", config, "--listen", address]);
  serving.add(running);
  await expect.poll(() => run(["read", "absent", "--address", address]), { timeout: 10_000 }).toHaveProperty("code", 3);
  const client = new SecretBrokerClient(address);
  const stop = async (): Promise<void> => {
    client.close();
    running.signal("SIGTERM");
    await running.code;
    serving.delete(running);
  };
  return { client, address, stop };
}

const backUp = (config: string, file = "backup"): Promise<RunResult> =>
  run(["backup", "--config", config, "--output", at(file)]);
const restore = (config: string, file = "backup", ...more: readonly string[]): Promise<RunResult> =>
  run(["restore", "--config", config, "--input", at(file), ...more]);

/** Secrets of every sort. */
async function fill(client: SecretBrokerClient): Promise<void> {
  const tags = { Team: "ü", "a b": "" };
  await client.writeSecret({ name: "plain", payload: "canary-1", description: "what it is", tags });
  await client.writeSecret({ name: "plain", payload: "canary-2" });
  await client.writeSecret({ name: "bytes", payload: new Uint8Array(randomBytes(100_000)) });
  await client.writeSecret({ name: "later", payload: "x", expireTime: new Date(Date.now() + 3_600_000) });
  await client.writeSecret({ name: "answered", payload: "y", idempotencyId: "one" });
  await client.writeSecret({ name: "deleted", payload: "z" });
  await client.deleteSecret({ name: "deleted" });
  await client.writeSecret({ name: "deleted", payload: "another generation" });
  await client.deleteSecret({ name: "deleted" });
}

/** Everything a caller can see. */
async function contents(client: SecretBrokerClient): Promise<readonly unknown[]> {
  const { secrets } = await client.listSecrets({ showDeleted: true });
  const live = secrets.filter(({ deleteTime }) => deleteTime === undefined);
  const reads = live.map(({ name }) => client.readSecret({ name }));
  const descriptions = live.map(({ name }) => client.describeSecret({ name }));
  return [secrets, ...(await Promise.all(reads)), ...(await Promise.all(descriptions))];
}

const sqlite = (path: string): string => `{ kind: sqlite, path: ${path} }`;

describe("a backup", () => {
  it("of a store that is being served equals it when it is restored elsewhere", async () => {
    const from = await configure("from", sqlite("from.db"));
    const source = await serve(from);
    await fill(source.client);
    const before = await contents(source.client);
    expect(await backUp(from)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^backed up 6 secrets with 7 versions, as they were at \d{4}-/u) as string,
      stderr: "",
    });
    expect((await stat(at("backup"))).mode & 0o777).toBe(0o600);
    await source.client.writeSecret({ name: "plain", payload: "after the backup" });
    const to = await configure("to", sqlite("to.db"));
    expect((await restore(to)).stdout).toMatch(/^restored 6 secrets with 7 versions/u);
    const restored = await serve(to);
    expect(await contents(restored.client)).toEqual(before);
    await restored.client.writeSecret({ name: "plain", payload: "goes on", expectedVersion: 2 });
    const again = { name: "answered", payload: "y", idempotencyId: "one" };
    expect(await restored.client.writeSecret(again)).toMatchObject({ version: 1 });
    await restored.client.writeSecret({ name: "deleted", payload: "third" });
  });

  it("is of one point in time, whatever is written meanwhile", async () => {
    const from = await configure("from", sqlite("from.db"));
    const { client } = await serve(from);
    const names = Array.from({ length: 40 }, (_, index) => `N${String(index).padStart(2, "0")}`);
    let round = 0;
    let isOver = false;
    const write = async (): Promise<void> => {
      while (!isOver) {
        round += 1;
        for (const name of names) await client.writeSecret({ name, payload: String(round) });
      }
    };
    const writing = write();
    await expect.poll(() => round, { timeout: 60_000 }).toBeGreaterThan(2);
    const { stdout } = await backUp(from);
    isOver = true;
    await writing;
    expect(stdout).toContain("backed up 40 secrets");
    const to = await configure("to", sqlite("to.db"));
    await restore(to);
    const restored = await serve(to);
    const values = await Promise.all(names.map((name) => restored.client.readSecret({ name })));
    const rounds = values.map((value) => Number("secret" in value ? value.secret.payload : Number.NaN));
    // One writer, one name after the other: a later name is never ahead of an earlier one, and at most one round behind.
    expect(rounds).toEqual(rounds.toSorted((a, b) => b - a));
    expect((rounds[0] ?? 0) - (rounds.at(-1) ?? 0)).toBeLessThanOrEqual(1);
  });

  it("shows neither names nor values", async () => {
    const from = await configure("from", sqlite("from.db"));
    const { client } = await serve(from);
    await fill(client);
    await backUp(from);
    const text = (await readFile(at("backup"))).toString("latin1");
    for (const hidden of ["canary", "plain", "what it is", "Team"]) expect(text).not.toContain(hidden);
    expect(text).toMatch(/^secret-broker backup\n/u);
  });

  it("is not written over, and not left behind half done", async () => {
    const from = await configure("from", sqlite("from.db"));
    expect((await backUp(from)).stderr).toContain("is not there");
    await expect(stat(at("backup"))).rejects.toMatchObject({ code: "ENOENT" });
    await (await serve(from)).stop();
    expect((await backUp(from)).code).toBe(0);
    const kept = await readFile(at("backup"));
    expect(await backUp(from)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("is there already") as string,
    });
    expect(await readFile(at("backup"))).toEqual(kept);
  });

  it("does not follow what lies at the name it is written under first", async () => {
    const from = await configure("from", sqlite("from.db"));
    await (await serve(from)).stop();
    await writeFile(at("victim"), "untouched");
    await symlink(at("victim"), at("backup.unfinished"));
    expect((await backUp(from)).code).toBe(0);
    expect(await readFile(at("victim"), "utf8")).toBe("untouched");
    const made = await lstat(at("backup"));
    expect([made.isFile(), (made.mode & 0o777).toString(8)]).toEqual([true, "600"]);
  });

  it("is refused with a changed byte, cut short, or with parts exchanged, and changes nothing", async () => {
    const from = await configure("from", sqlite("from.db"));
    const { client, stop } = await serve(from);
    await client.writeSecret({ name: "A", payload: "1" });
    await stop();
    await backUp(from);
    const bytes = await readFile(at("backup"));
    const to = await configure("to", sqlite("to.db"));
    const refused = async (changed: Uint8Array): Promise<void> => {
      await writeFile(at("changed"), changed);
      const { code, stderr } = await restore(to, "changed");
      expect(code).not.toBe(0);
      expect(stderr).toMatch(/nothing was restored|do not verify|is not configured|newer version|another version/u);
      await expect(stat(at("to.db"))).rejects.toMatchObject({ code: "ENOENT" });
    };
    for (let index = 0; index < bytes.length; index += 7) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 0x01;
      await refused(changed);
    }
    for (let length = 0; length < bytes.length; length += 31) await refused(bytes.subarray(0, length));
    await refused(Buffer.concat([bytes, Buffer.from([0])]));
    expect((await restore(to)).code).toBe(0);
  });

  it("can be verified without bringing it back", async () => {
    const from = await configure("from", sqlite("from.db"));
    const { client } = await serve(from);
    await client.writeSecret({ name: "A", payload: "1" });
    await backUp(from);
    const to = await configure("to", sqlite("to.db"));
    const { stdout } = await restore(to, "backup", "--verify-only", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ generations: 1, versions: 1, restored: false });
    await expect(stat(at("to.db"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("needs the key that the store had, also one that was replaced", async () => {
    const from = await configure("from", sqlite("from.db"));
    const { client } = await serve(from);
    await client.writeSecret({ name: "A", payload: "1" });
    await backUp(from);
    await run(["key", "rotate", "--config", from]);
    const other = await configure("other", sqlite("other.db"), "other.key");
    await (await serve(other)).stop();
    await rm(at("other.db"));
    expect((await restore(other)).stderr).toContain("the encryption key is another one");
    await copyFile(at("secrets.key"), at("other.key"));
    expect((await restore(other)).code).toBe(0);
    expect(await (await serve(other)).client.readSecret({ name: "A" })).toMatchObject({ secret: { payload: "1" } });
  });

  it("is not brought back over a store", async () => {
    const from = await configure("from", sqlite("from.db"));
    const { stop } = await serve(from);
    await backUp(from);
    expect((await restore(from)).stderr).toContain("in use by");
    await stop();
    expect((await restore(from)).stderr).toContain("holds a store already");
  });

  it("begins another history for those who watch", async () => {
    const from = await configure("from", sqlite("from.db"));
    const source = await serve(from);
    await source.client.writeSecret({ name: "A", payload: "1" });
    const watcher = new Watcher(source.address).subscribe({ names: ["A"] });
    await watcher.untilSynced();
    const { revision } = watcher;
    await backUp(from);
    await watcher.leave();
    const to = await configure("to", sqlite("to.db"));
    await restore(to);
    const restored = await serve(to);
    const again = new Watcher(restored.address).subscribe({ names: ["A"], resumeRevision: revision });
    expect(await again.end()).toBe("11 REVISION_COMPACTED");
  });

  it("of a manager without a store is refused", async () => {
    await writeFile(at("memory.yaml"), "secret_broker: { manager: { kind: memory } }\n");
    expect((await backUp(at("memory.yaml"))).stderr).toContain('a manager of kind "memory" has no store');
  });
});

describe.skipIf(isPostgresMissing)(titleOf("a backup between databases"), () => {
  it("goes from a file to PostgreSQL and back", async () => {
    const server = await PostgresServerProcess.start();
    try {
      await writeFile(at("url"), server.url());
      const from = await configure("from", sqlite("from.db"));
      const source = await serve(from);
      await fill(source.client);
      const before = await contents(source.client);
      await backUp(from);
      const postgres = await configure("postgres", "{ kind: postgres, url_file: url }");
      expect(await restore(postgres)).toMatchObject({ code: 0, stderr: "" });
      expect((await restore(postgres)).stderr).toContain("holds a store already");
      const shared = await serve(postgres);
      expect(await contents(shared.client)).toEqual(before);
      expect((await backUp(postgres, "second")).code).toBe(0);
      await shared.stop();
      const back = await configure("back", sqlite("back.db"));
      expect((await restore(back, "second")).code).toBe(0);
      expect(await contents((await serve(back)).client)).toEqual(before);
    } finally {
      await server.remove();
    }
  });
});
