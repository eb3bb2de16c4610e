import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SecretBrokerClient } from "../../src/client/index.js";
import { recordLines } from "../audit/example-record.js";
import { launch, run, type RunningCli, type RunResult } from "./run-in-process.js";

let directory: string;
const serving = new Set<RunningCli>();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "copy-"));
});

afterEach(async () => {
  for (const each of serving) each.signal("SIGTERM");
  await Promise.all([...serving].map(({ code }) => code));
  serving.clear();
  await rm(directory, { recursive: true });
});

const at = (name: string): string => join(directory, name);

interface Choice {
  readonly manager?: string;
  readonly access?: string;
  readonly audit?: string;
}

async function configure(name: string, { manager, access, audit }: Choice = {}): Promise<string> {
  const stored = `{ kind: sqlite, path: ${name}.db }`;
  const text = `
general_settings: { key_management_settings: { access_mode: ${access ?? "read_and_write"} } }
secret_broker:
  manager: ${manager ?? stored}
  ${manager === undefined ? `encryption: { kind: file, path: ${name}.key }` : ""}
  admin: { listen: "off" }
  audit: { sink: file, path: ${audit ?? `${name}.jsonl`} }
  log: { level: error }
`;
  await writeFile(at(`${name}.yaml`), text);
  return at(`${name}.yaml`);
}

async function serve(config: string): Promise<{ client: SecretBrokerClient; stop: () => Promise<void> }> {
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
  return { client, stop };
}

const copy = (from: string, to: string, ...more: readonly string[]): Promise<RunResult> =>
  run(["copy", "--from", from, "--to", to, ...more]);

const sorted = ({ stdout }: RunResult): string[] => stdout.trimEnd().split("\n").toSorted();

/** Keeps values and nothing else; shared by every broker of this process, so that a second one finds them. */
const forgetful = `
  const values = (globalThis.copyTestValues ??= new Map());
  export class Forgetful {
    readSecret(name) { return values.get(name); }
    writeSecret(name, value) { values.set(name, value); }
  }`;

describe("copy", () => {
  it("copies what a broker serves, with all that belongs to it, and goes on where it ended", async () => {
    const from = await configure("from");
    const to = await configure("to");
    const { client } = await serve(from);
    const expireTime = new Date(Date.now() + 3_600_000);
    await client.writeSecret({
      name: "a",
      payload: "canary-text",
      description: "what",
      tags: { Team: "x" },
      expireTime,
    });
    await client.writeSecret({ name: "t/b", payload: Uint8Array.of(0, 255, 10) });
    const first = await copy(from, to);
    expect(sorted(first)).toEqual(["copied a", "copied t/b"]);
    expect(first).toMatchObject({ code: 0, stderr: "2 copied\n" });
    await client.writeSecret({ name: "c", payload: "canary-new" });
    expect(sorted(await copy(from, to))).toEqual(["copied c", "same a", "same t/b"]);
    const target = await serve(to);
    expect(await target.client.readSecret({ name: "a" })).toMatchObject({
      secret: { payload: "canary-text", description: "what", tags: { Team: "x" }, expireTime },
    });
    expect(await target.client.readSecret({ name: "t/b" })).toMatchObject({
      secret: { payload: Uint8Array.of(0, 255, 10) },
    });
    expect(`${first.stdout}${first.stderr}`).not.toContain("canary");
  });

  it("leaves alone what differs, unless it is told to write over it", async () => {
    const from = await configure("from");
    const to = await configure("to");
    const source = await serve(from);
    const target = await serve(to);
    for (const name of ["A", "B"]) await source.client.writeSecret({ name, payload: "1" });
    await target.client.writeSecret({ name: "A", payload: "mine" });
    await target.client.writeSecret({ name: "B", payload: "1" });
    await target.stop();
    expect(await copy(from, to)).toMatchObject({ code: 6, stderr: "1 same, 1 differs\n" });
    expect(sorted(await copy(from, to, "--dry-run", "--overwrite"))).toEqual(["differs A", "same B"]);
    expect(await copy(from, to, "--overwrite")).toMatchObject({ code: 0, stderr: "1 copied, 1 same\n" });
    const again = await serve(to);
    expect(await again.client.readSecret({ name: "A" })).toMatchObject({ secret: { payload: "1", version: 2 } });
  });

  it("takes only a prefix, and writes nothing in a dry run", async () => {
    const from = await configure("from");
    const to = await configure("to");
    const { client } = await serve(from);
    for (const name of ["a/1", "b/1"]) await client.writeSecret({ name, payload: "1" });
    const dry = await copy(from, to, "--prefix", "a/", "--dry-run", "--json");
    expect(dry.code).toBe(6);
    expect(JSON.parse(dry.stdout)).toEqual({ same: false, secrets: [{ name: "a/1", outcome: "missing", lost: [] }] });
    expect(sorted(await copy(from, to))).toEqual(["copied a/1", "copied b/1"]);
  });

  it("says what the other manager does not keep, and fails where that would be a loss", async () => {
    const from = await configure("from");
    await writeFile(at("forgetful.mjs"), forgetful);
    const to = await configure("to", { manager: "{ kind: module, class: forgetful.Forgetful }" });
    const { client } = await serve(from);
    await client.writeSecret({ name: "plain", payload: "1" });
    await client.writeSecret({ name: "labelled", payload: "1", description: "d", tags: { a: "b" } });
    await client.writeSecret({ name: "expires", payload: "1", expireTime: new Date(Date.now() + 3_600_000) });
    const result = await copy(from, to);
    expect(sorted(result)).toEqual([
      "copied labelled (not kept: description, tags)",
      "copied plain",
      "failed CAPABILITY_UNSUPPORTED expires",
    ]);
    expect(result).toMatchObject({
      code: 1,
      stderr: "2 copied, 1 failed; 1 without all of their description and tags\n",
    });
  });

  it("asks for the names where the manager cannot list", async () => {
    await writeFile(at("forgetful.mjs"), forgetful);
    const from = await configure("from", { manager: "{ kind: module, class: forgetful.Forgetful }" });
    const to = await configure("to");
    expect((await copy(from, to)).stderr).toContain("does not support list");
    const copied = await run(["copy", "--from", from, "--to", to, "--names", "-"], { stdin: "plain\nmissing\n../x\n" });
    expect(sorted(copied)).toEqual(["copied plain", "failed FIELD_INVALID ../x", "failed SECRET_NOT_FOUND missing"]);
  });

  it("passes the policy of both, and is on record with both", async () => {
    const from = await configure("from");
    const to = await configure("to");
    const { client } = await serve(from);
    await client.writeSecret({ name: "A", payload: "canary" });
    const readOnly = await configure("read-only", { access: "read_only" });
    expect(sorted(await copy(from, readOnly))).toEqual(["failed ACCESS_MODE_DENIED A"]);
    await copy(from, to);
    // Beside the broker's own, each in a trail that can be verified.
    const trails = async (stem: string): Promise<readonly string[]> =>
      (await readdir(directory)).filter((file) => file.startsWith(`${stem}.copy-`)).sort();
    const records = async (stem: string): Promise<readonly unknown[]> => {
      const texts = await Promise.all((await trails(stem)).map((file) => readFile(at(file), "utf8")));
      return texts.flatMap(recordLines).map((line) => JSON.parse(line) as unknown);
    };
    expect(await records("from.jsonl")).toContainEqual(
      expect.objectContaining({ action: "read", name: "A", outcome: "ok", principal: "secret-broker copy" }),
    );
    expect(await records("to.jsonl")).toContainEqual(expect.objectContaining({ action: "write", name: "A" }));
    const [trail = ""] = await trails("from.jsonl");
    expect(await readFile(at(trail), "utf8")).not.toContain("canary");
    const verified = await run(["audit", "verify", "--config", from]);
    expect(verified).toMatchObject({ code: 0 });
    expect(verified.stdout).toContain(`${trail}: `);
  });

  it("copies nothing that cannot be recorded", async () => {
    const from = await configure("from");
    const { client } = await serve(from);
    await client.writeSecret({ name: "A", payload: "1" });
    const to = await configure("to", { audit: "/dev/full" });
    expect(sorted(await copy(from, to))).toEqual(["failed AUDIT_UNAVAILABLE A"]);
  });

  it("does not write into a store that a broker serves", async () => {
    const from = await configure("from");
    const to = await configure("to");
    await serve(from);
    await serve(to);
    expect((await copy(from, to)).stderr).toContain("in use by");
  });
});
