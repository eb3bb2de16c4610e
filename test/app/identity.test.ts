import { readFileSync, statSync, chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Metadata } from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import { createAccessToken, hashOfToken } from "../../src/identity/access-token.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { recordLines } from "../audit/example-record.js";
import { run } from "../cli/run-in-process.js";
import { RpcCaller } from "./call-rpc.js";

const common = `
  manager: { kind: memory }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
`;

let broker: TestBroker;
const callers: RpcCaller[] = [];

afterEach(async () => {
  for (const caller of callers.splice(0)) caller.close();
  await broker.stop();
});

function connect(address: string): RpcCaller {
  const caller = new RpcCaller(address);
  callers.push(caller);
  return caller;
}

function bearer(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  return metadata;
}

const entry = (principal: string, token: string): string =>
  `  - { principal: ${principal}, hash: "${hashOfToken(token)}" }\n`;

describe("bearer tokens", () => {
  const config = `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:${common}
  authentication: { tokens: { file: tokens.yaml } }
  policies: [{ name: all, principals: ["app-*"], actions: ["*"], names: ["**"] }]
`;
  const read = { name: "A" };

  it("are replaced without a gap, and end calls and watches when they are taken away", async () => {
    const [first, second] = [createAccessToken(), createAccessToken()];
    broker = await startBroker({ config, files: { "tokens.yaml": `tokens:\n${entry("app-a", first)}` } });
    const file = join(broker.directory, "tokens.yaml");
    const caller = connect(broker.address);
    const outcome = async (token: string): Promise<string | undefined> =>
      (await caller.call("ReadSecret", read, bearer(token))).reason;
    expect(await outcome(first)).toBe("SECRET_NOT_FOUND");
    expect(await outcome(second)).toBe("CREDENTIAL_INVALID");

    writeFileSync(file, `tokens:\n${entry("app-a", first)}${entry("app-a", second)}`);
    await expect.poll(() => outcome(second), { timeout: 5_000 }).toBe("SECRET_NOT_FOUND");
    expect(await outcome(first)).toBe("SECRET_NOT_FOUND");

    const subscribe = {
      ...{ names: ["A"], prefixes: [], resumeRevision: 0n },
      knownVersions: new Map(),
      knownUids: new Map(),
    };
    const ended = endOfWatch(broker.address, first, subscribe);
    await new Promise((resolve) => setTimeout(resolve, 200));
    writeFileSync(file, `tokens:\n${entry("app-a", second)}`);
    await expect.poll(() => outcome(first), { timeout: 5_000 }).toBe("CREDENTIAL_INVALID");
    expect(await ended).toBe("CREDENTIAL_INVALID");
    expect(await outcome(second)).toBe("SECRET_NOT_FOUND");
  });

  it("end watches when they no longer prove the same groups", async () => {
    const token = createAccessToken();
    const inGroup = (groups: string): string =>
      `tokens:\n  - { principal: x, groups: [${groups}], hash: "${hashOfToken(token)}" }\n`;
    const byGroup = config.replace('principals: ["app-*"]', "groups: [readers]");
    broker = await startBroker({ config: byGroup, files: { "tokens.yaml": inGroup("readers") } });
    const caller = connect(broker.address);
    const outcome = async (): Promise<string | undefined> =>
      (await caller.call("ReadSecret", read, bearer(token))).reason;
    expect(await outcome()).toBe("SECRET_NOT_FOUND");
    const subscribe = {
      ...{ names: ["A"], prefixes: [], resumeRevision: 0n },
      knownVersions: new Map(),
      knownUids: new Map(),
    };
    const ended = endOfWatch(broker.address, token, subscribe);
    await new Promise((resolve) => setTimeout(resolve, 200));
    writeFileSync(join(broker.directory, "tokens.yaml"), inGroup("others"));
    await expect.poll(outcome, { timeout: 5_000 }).toBe("POLICY_DENIED");
    expect(await ended).toBe("CREDENTIAL_INVALID");
  });

  it("keep those they had when the file is bad", async () => {
    const token = createAccessToken();
    broker = await startBroker({ config, files: { "tokens.yaml": `tokens:\n${entry("app-a", token)}` } });
    const caller = connect(broker.address);
    const file = join(broker.directory, "tokens.yaml");
    writeFileSync(file, "tokens: [{ principal: x, hash: plain-text }]\n");
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect((await caller.call("ReadSecret", read, bearer(token))).reason).toBe("SECRET_NOT_FOUND");
  });

  it("are on record as who they prove, and never themselves", async () => {
    const token = createAccessToken();
    broker = await startBroker({ config, files: { "tokens.yaml": `tokens:\n${entry("app-a", token)}` } });
    await connect(broker.address).call("ReadSecret", read, bearer(token));
    const records = readFileSync(broker.auditFile, "utf8");
    expect(JSON.parse(recordLines(records).join())).toMatchObject({
      principal: "app-a",
      proven_by: "token",
      decision: "allow",
    });
    expect(records).not.toContain(token);
    expect(records).not.toContain(hashOfToken(token).slice(10));
  });

  it("are not taken from a file that others may write", async () => {
    broker = await startBroker({ config, files: { "tokens.yaml": "tokens: []\n" } });
    chmodSync(join(broker.directory, "tokens.yaml"), 0o666);
    const caller = connect(broker.address);
    const checked = await run(["config", "check", join(broker.directory, "config.yaml")]);
    expect(checked).toMatchObject({ code: 1 });
    expect(checked.stdout).toMatch(/tokens\.yaml: can be written by others/u);
    expect((await caller.call("ReadSecret", read)).reason).toBe("CREDENTIAL_MISSING");
  });

  it("are made by the command, shown once, and used by it from a file", async () => {
    broker = await startBroker({ config, files: { "tokens.yaml": "# ours\ntokens: []\n" } });
    const file = join(broker.directory, "tokens.yaml");
    const made = await run([
      "token",
      "create",
      "--principal",
      "app-cli",
      "--group",
      "g",
      "--expires",
      "90d",
      "--tokens",
      file,
    ]);
    expect(made.code).toBe(0);
    const token = made.stdout.trim();
    expect(token).toMatch(/^sbt_[\w-]{49}$/u);
    const kept = readFileSync(file, "utf8");
    expect(kept).toContain("# ours");
    expect(kept).toContain(hashOfToken(token));
    expect(kept + made.stderr).not.toContain(token);
    expect(statSync(file).mode & 0o777).toBe(0o600);

    const tokenFile = join(broker.directory, "my-token");
    writeFileSync(tokenFile, `${token}\n`);
    const base = ["--address", broker.address, "--token-file", tokenFile];
    await expect
      .poll(async () => (await run([...base, "write", "A"], { stdin: "v" })).code, { timeout: 5_000 })
      .toBe(0);
    expect(await run([...base, "read", "A"])).toMatchObject({ code: 0, stdout: "v\n" });
    expect((await run(["read", "A", "--address", broker.address])).stderr).toMatch(/credential is needed/u);
    const wrong = await run(["token", "create", "--principal", "p", "--expires", "yesterday"]);
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
  });
});

describe("a socket of its own", () => {
  it("makes whoever may open it one principal, and nobody else", async () => {
    broker = await startBroker({
      listen: [],
      config: `
secret_broker:${common}
  listen:
    - 127.0.0.1:0
    - { address: "unix:a.sock", principal: app-a, groups: [apps] }
    - { address: "unix:b.sock", principal: app-b }
  policies:
    - { name: apps, groups: [apps], actions: [read], names: ["**"] }
`,
    });
    const outcome = async (address: string): Promise<string | undefined> =>
      (await connect(address).call("ReadSecret", { name: "A" })).reason;
    expect(await outcome(`unix:${join(broker.directory, "a.sock")}`)).toBe("SECRET_NOT_FOUND");
    expect(await outcome(`unix:${join(broker.directory, "b.sock")}`)).toBe("POLICY_DENIED");
    expect(await outcome(broker.address)).toBe("POLICY_DENIED");
    const records = recordLines(readFileSync(broker.auditFile, "utf8")).map((line) => JSON.parse(line) as object);
    expect(records).toMatchObject([
      { principal: "app-a", proven_by: "unix_socket", peer: "unix", decision: "allow" },
      { principal: "app-b", proven_by: "unix_socket", peer: "unix", decision: "deny" },
      { principal: "local", proven_by: "none", decision: "deny" },
    ]);
  });
});

/** How a watch with a token ends. */
async function endOfWatch(address: string, token: string, value: object): Promise<string | undefined> {
  const caller = connect(address);
  const first = caller.watch({ action: { $case: "subscribe", value } }, bearer(token));
  return await first;
}
