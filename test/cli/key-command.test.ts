import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KmsPlugin } from "../encryption/kms-plugin.js";
import { launch, run, type RunningCli, type RunResult } from "./run-in-process.js";

let directory: string;
let serving: RunningCli | undefined;
const variables = new Set<string>();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "key-"));
});

afterEach(async () => {
  await stop();
  for (const name of variables) Reflect.deleteProperty(process.env, name);
  await rm(directory, { recursive: true });
});

const at = (name: string): string => join(directory, name);
const config = (): string => at("config.yaml");
const socket = (): string => `unix:${at("b.sock")}`;

async function configure(encryption: string, manager = "{ kind: sqlite, path: secrets.db }"): Promise<void> {
  await writeFile(
    config(),
    `general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: ${manager}
  ${encryption === "" ? "" : `encryption: ${encryption}`}
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
`,
  );
}

function setVariable(name: string, text: string): void {
  variables.add(name);
  process.env[name] = text;
}

async function serve(): Promise<void> {
  serving = launch(["serve", "--config", config(), "--listen", socket()]);
  await expect
    .poll(() => run(["read", "absent", "--address", socket()]), { timeout: 10_000 })
    .toHaveProperty("code", 3);
}

async function stop(): Promise<void> {
  serving?.signal("SIGTERM");
  await serving?.code;
  serving = undefined;
}

/** What a broker that cannot start says. */
async function refusal(): Promise<RunResult> {
  return await run(["serve", "--config", config(), "--listen", socket()]);
}

async function write(name: string, value: string): Promise<void> {
  const { code } = await run(["write", name, "--address", socket()], { stdin: value });
  expect(code).toBe(0);
}

async function read(name: string): Promise<string> {
  return (await run(["read", name, "--address", socket()])).stdout.trimEnd();
}

interface Key {
  readonly id: string;
  readonly state: string;
  readonly versions: number;
}

async function keys(): Promise<readonly Key[]> {
  const { code, stdout, stderr } = await run(["key", "status", "--config", config(), "--json"]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return (JSON.parse(stdout) as { keys: readonly Key[] }).keys;
}

const summary = (all: readonly Key[]): string[] => all.map(({ state, versions }) => `${state} ${String(versions)}`);

describe("key", () => {
  it("rotates the key of a store that is being served, which wraps everything anew", async () => {
    await configure("{ kind: file, path: secrets.key }");
    await serve();
    await write("A", "a");
    expect(summary(await keys())).toEqual(["current 1"]);
    const rotated = await run(["key", "rotate", "--config", config()]);
    expect(rotated).toMatchObject({ code: 0, stderr: expect.stringContaining("copy ") as string });
    const [current] = await keys();
    expect(rotated.stdout).toBe(`the current key is ${current?.id ?? ""}\n`);
    await expect.poll(async () => summary(await keys()), { timeout: 10_000 }).toEqual(["current 1", "retired 0"]);
    await write("B", "b");
    expect(summary(await keys())).toEqual(["current 2", "retired 0"]);
    expect([await read("A"), await read("B")]).toEqual(["a", "b"]);
  });

  it("wraps anew without a broker, and beside one", async () => {
    await configure("{ kind: file, path: secrets.key }");
    await serve();
    await write("A", "a");
    await stop();
    await run(["key", "rotate", "--config", config()]);
    expect(summary(await keys())).toEqual(["current 0", "retired 1"]);
    const rewrap = ["key", "rewrap", "--config", config()];
    expect((await run(rewrap)).stdout).toBe("wrapped 1 data keys with the current key\n");
    expect(summary(await keys())).toEqual(["current 1", "retired 0"]);
    await serve();
    expect(JSON.parse((await run([...rewrap, "--json"])).stdout)).toEqual({ versions: 0 });
    expect(await read("A")).toBe("a");
  });

  it("shows a table", async () => {
    await configure("{ kind: file, path: secrets.key }");
    await serve();
    const { stdout } = await run(["key", "status", "--config", config()]);
    expect(stdout).toMatch(/^KEY +STATE +VERSIONS +MADE\n[0-9a-f]{16} +current +0 +\d{4}-\d\d-\d\dT[\d:.]+Z\n$/u);
  });

  it.each([
    ["{ kind: memory }", "", 'a manager of kind "memory" has no store'],
    ["{ kind: sqlite, path: none.db }", "", "is not there; a broker's first start makes it"],
  ])("status of %s says what is wrong", async (manager, encryption, text) => {
    await configure(encryption, manager);
    const { code, stderr } = await run(["key", "status", "--config", config()]);
    expect(code).not.toBe(0);
    expect(stderr).toContain(text);
  });

  it.each([
    ["{ kind: environment, variable: K }", "put the new one first there"],
    ["{ kind: passphrase, variable: P }", "copy the secrets to a store with another passphrase"],
    ["{ kind: kms, socket: k.sock }", "rotate it there"],
  ])("rotate with %s says how that is done", async (encryption, text) => {
    await configure(encryption);
    const { code, stderr } = await run(["key", "rotate", "--config", config()]);
    expect(code).not.toBe(0);
    expect(stderr).toContain(text);
  });
});

describe("a store's key", () => {
  it("in a variable is rotated by putting another one first", async () => {
    await configure("{ kind: environment, variable: SECRET_BROKER_TEST_KEY }");
    expect((await refusal()).stderr).toContain("the variable SECRET_BROKER_TEST_KEY with the store's key is not set");
    setVariable("SECRET_BROKER_TEST_KEY", "11".repeat(32));
    await serve();
    await write("A", "a");
    await stop();
    setVariable("SECRET_BROKER_TEST_KEY", `${"22".repeat(32)},${"11".repeat(32)}`);
    await serve();
    expect(summary(await keys())).toEqual(["current 0", "retired 1"]);
    expect((await run(["key", "rewrap", "--config", config()])).code).toBe(0);
    await stop();
    setVariable("SECRET_BROKER_TEST_KEY", "22".repeat(32));
    await serve();
    expect(await read("A")).toBe("a");
    await stop();
    setVariable("SECRET_BROKER_TEST_KEY", "11".repeat(32));
    expect((await refusal()).stderr).toContain("the encryption key does not open the store; nothing was changed");
  });

  it("can be a passphrase, in a file that nobody else reads or a variable", async () => {
    await configure("{ kind: passphrase, path: passphrase }");
    expect((await refusal()).stderr).toContain("cannot be read");
    await writeFile(at("passphrase"), "a passphrase of the test\n", { mode: 0o644 });
    expect((await refusal()).stderr).toContain("chmod 600");
    await rm(at("passphrase"));
    await writeFile(at("passphrase"), "a passphrase of the test\n", { mode: 0o600 });
    await serve();
    await write("A", "a");
    await stop();
    await configure("{ kind: passphrase, variable: SECRET_BROKER_TEST_PASSPHRASE }");
    setVariable("SECRET_BROKER_TEST_PASSPHRASE", "another passphrase");
    const { stderr } = await refusal();
    expect(stderr).toContain("the encryption key does not open the store; nothing was changed");
    expect(stderr).not.toContain("another passphrase");
    setVariable("SECRET_BROKER_TEST_PASSPHRASE", "a passphrase of the test");
    await serve();
    expect(await read("A")).toBe("a");
  });

  it("can be a key management service's, which rotates by itself", async () => {
    const plugin = new KmsPlugin(at("kms.sock"));
    await configure("{ kind: kms, socket: kms.sock }");
    expect((await refusal()).stderr).toContain("could not be reached");
    await plugin.start();
    await serve();
    await write("A", "a");
    const rotated = plugin.rotate();
    await write("B", "b");
    // Neither reads nor writes wait for it any more.
    plugin.stop();
    await write("C", "c");
    expect([await read("A"), await read("B")]).toEqual(["a", "b"]);
    await stop();
    expect((await refusal()).stderr).toContain("could not be reached");
    await plugin.start();
    expect((await run(["key", "rewrap", "--config", config()])).code).toBe(0);
    plugin.keys.delete("plugin-key-1");
    await serve();
    expect(summary(await keys())).toEqual(["current 3"]);
    expect((await keys())[0]?.id).toBe(rotated);
    expect([await read("A"), await read("B"), await read("C")]).toEqual(["a", "b", "c"]);
    plugin.stop();
  });

  it("that is lost is missed at the start, and nothing is changed or made", async () => {
    await configure("{ kind: file, path: secrets.key }");
    await serve();
    await write("A", "a");
    await stop();
    await rm(at("secrets.key"));
    expect((await refusal()).stderr).toContain("the store needs the key it was written with");
    await expect(rm(at("secrets.key"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});
