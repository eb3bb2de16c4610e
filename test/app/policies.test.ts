import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Metadata } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { Watcher } from "../server/watcher.js";
import { RpcCaller } from "./call-rpc.js";

const common = `
  admin: { listen: "off" }
  log: { level: error }
  audit: { sink: file, path: audit.jsonl }
`;

const text = (value: string): object => ({ payload: { $case: "text", value } });

function valueOf(response: unknown): unknown {
  return (response as { secret: { payload: { value: unknown } } }).secret.payload.value;
}

describe("a broker with policies", () => {
  const config = `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: { kind: memory }${common}
  policies:
    - { name: fill, principals: [local], actions: ["*"], names: ["open/**"] }
    - { name: no-destroying, effect: deny, principals: ["*"], actions: [destroy], names: ["**"] }
    - { name: users, groups: [readers], actions: [read], names: ["limited/*"], fields: [user] }
    - { name: first, groups: [readers], actions: [read], names: ["versions/*"], versions: [1] }
    - { name: write-only, principals: [local], actions: [write], names: ["limited/*", "versions/*"] }
    - { name: bosses, principals: [boss], actions: [read, administer], names: ["**"] }
    - { name: check, principals: [local], actions: [administer], names: ["**"] }
  policy_files: [grants.yaml]
  principals: [{ principal: local, groups: [readers] }]
`;
  const grant = 'policies: [{ name: more, principals: [local], actions: ["*"], names: ["hidden/*"] }]\n';
  let broker: TestBroker;
  let caller: RpcCaller;

  beforeAll(async () => {
    broker = await startBroker({ config, files: { "grants.yaml": grant } });
    caller = new RpcCaller(broker.address);
    // What exists, and may be seen no more.
    expect(await outcome("WriteSecret", { name: "hidden/EXISTING", ...text("h") })).toBe("OK");
    writeFileSync(join(broker.directory, "grants.yaml"), "policies: []\n");
    expect((await caller.call("ReloadConfiguration")).code).toBe("OK");
    expect(await outcome("ReadSecret", { name: "hidden/EXISTING" })).toBe("POLICY_DENIED");
  });

  afterAll(async () => {
    caller.close();
    await broker.stop();
  });

  const outcome = async (rpc: string, request: object): Promise<string> => {
    const { code, reason } = await caller.call(rpc, request);
    return reason ?? code;
  };

  it("allows what a rule allows, and nothing else", async () => {
    expect(await outcome("WriteSecret", { name: "open/A", ...text("a") })).toBe("OK");
    expect(await outcome("ReadSecret", { name: "open/A" })).toBe("OK");
    expect(await outcome("ReadSecret", { name: "closed/A" })).toBe("POLICY_DENIED");
    expect(await outcome("ReadSecret", { name: "open" })).toBe("POLICY_DENIED");
  });

  it("lets a rule that denies win", async () => {
    expect(await outcome("DestroySecret", { name: "open/A", target: { $case: "version", value: 1 } })).toBe(
      "POLICY_DENIED",
    );
    expect(await outcome("DeleteSecret", { name: "open/A", recoveryWindowInDays: 0 })).toBe("POLICY_DENIED");
  });

  it("lets members of a payload be read without the whole", async () => {
    await caller.call("WriteSecret", { name: "limited/DB", ...text('{"user":"u","password":"p"}') });
    const { response } = await caller.call("ReadSecret", { name: "limited/DB", field: "user" });
    expect(valueOf(response)).toBe("u");
    expect(await outcome("ReadSecret", { name: "limited/DB", field: "password" })).toBe("POLICY_DENIED");
    expect(await outcome("ReadSecret", { name: "limited/DB" })).toBe("POLICY_DENIED");
    // What is not allowed is not told by a batch either.
    const batch = await caller.call("BatchReadSecrets", {
      reads: [readOf("limited/DB", "user"), readOf("limited/DB", ""), readOf("limited/DB", "password")],
    });
    const { results } = batch.response as { results: { result: { $case: string } }[] };
    expect(results.map(({ result: { $case } }) => $case)).toEqual(["read", "error", "error"]);
  });

  it("lets one version be read and not another", async () => {
    await caller.call("WriteSecret", { name: "versions/A", ...text("one") });
    await caller.call("WriteSecret", { name: "versions/A", ...text("two") });
    expect(valueOf((await caller.call("ReadSecret", { name: "versions/A", version: 1 })).response)).toBe("one");
    expect(await outcome("ReadSecret", { name: "versions/A", version: 2 })).toBe("POLICY_DENIED");
    expect(await outcome("ReadSecret", { name: "versions/A" })).toBe("POLICY_DENIED");
  });

  it("explains which rule decides, and which comes closest", async () => {
    const check = async (principal: string, action: string, name: string): Promise<unknown> =>
      (await caller.call("CheckAccess", { principal, action, name })).response;
    expect(await check("local", "read", "open/x/y")).toEqual({ allowed: true, rule: "fill", nearestAllowingRule: "" });
    expect(await check("local", "destroy", "open/x")).toEqual({
      allowed: false,
      rule: "no-destroying",
      nearestAllowingRule: 'fill would allow it, but "no-destroying" goes before it',
    });
    expect(await check("local", "read", "limited/x")).toMatchObject({
      rule: "default deny",
      nearestAllowingRule: "users is for other versions or fields",
    });
    expect(await check("boss", "write", "open/x")).toMatchObject({
      nearestAllowingRule: "bosses is for another action",
    });
    expect(await check("stranger", "read", "nowhere")).toMatchObject({
      nearestAllowingRule: "bosses is for another principal",
    });
  });

  /** Answers must not differ in anything but what was asked for. */
  it.each<readonly [string, object]>([
    ["ReadSecret", {}],
    ["ReadSecret", { version: 7 }],
    ["ReadSecret", { field: "user" }],
    ["DescribeSecret", {}],
    ["WriteSecret", { ...text("x"), expectedVersion: 0 }],
    ["DeleteSecret", { mustExist: true }],
    ["ActivateSecretVersion", { version: 9 }],
    ["RestoreSecret", {}],
    ["DestroySecret", { target: { $case: "version", value: 1 } }],
    ["RotateSecret", text("x")],
    ["WatchSecrets", {}],
  ])("%s with %j tells who may not whether a name exists in nothing", async (rpc, request) => {
    const answers: unknown[] = [];
    for (const name of ["hidden/EXISTING", "hidden/MISSINGX"]) {
      const full = rpc === "WatchSecrets" ? subscribeTo(name) : { ...request, name };
      const metadata = new Metadata();
      metadata.set("x-request-id", "same");
      const { error } = await caller.call(rpc, full, metadata);
      const details = error?.metadata.get("grpc-status-details-bin")[0];
      const told = `${String(error?.code)} ${error?.details ?? ""} ${Buffer.from(details ?? "").toString("latin1")}`;
      answers.push(told.replaceAll(name, "NAME"));
      expect(told).toContain("POLICY_DENIED");
    }
    expect(answers[0]).toBe(answers[1]);
  });

  it("takes changed files of policies over, and ends watches that lost their right", async () => {
    const file = join(broker.directory, "grants.yaml");
    expect(await outcome("ReadSecret", { name: "hidden/A" })).toBe("POLICY_DENIED");
    writeFileSync(file, grant);
    await expect
      .poll(() => outcome("WriteSecret", { name: "hidden/EXISTING", ...text("h") }), { timeout: 5_000 })
      .toBe("OK");
    const watcher = new Watcher(broker.address).subscribe({ names: ["hidden/EXISTING"] });
    expect(await watcher.untilSynced()).toEqual(["initial hidden/EXISTING@2=h", "synced"]);
    writeFileSync(file, "policies: []\n");
    expect(await watcher.until((told) => told.startsWith("removal"))).toEqual(["removal hidden/EXISTING"]);
    expect(await outcome("ReadSecret", { name: "hidden/EXISTING" })).toBe("POLICY_DENIED");
    await watcher.leave();
    writeFileSync(file, "policies: [{}]\n");
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await outcome("ReadSecret", { name: "open/A" })).toBe("OK");
  });
});

function readOf(name: string, field: string): object {
  return { name, field, version: undefined, knownVersion: undefined, options: undefined, maxStaleness: undefined };
}

function subscribeTo(name: string): object {
  const value = { names: [name], prefixes: [], knownVersions: new Map(), knownUids: new Map(), resumeRevision: 0n };
  return { action: { $case: "subscribe", value } };
}

describe("options that are bound to a principal", () => {
  let broker: TestBroker;
  let caller: RpcCaller;

  const echo = `
export class Echo {
  readSecret(name, call) { return JSON.stringify(call.options); }
}
`;

  afterEach(async () => {
    caller.close();
    await broker.stop();
  });

  it("are what a manager sees of each call, and no call can bring others", async () => {
    broker = await startBroker({
      config: `
secret_broker:
  manager: { kind: module, class: echo.Echo }${common}
  principals: [{ principal: local, options: { namespace: team-a, nested: { list: [1, two] } } }]
`,
      files: { "echo.mjs": echo },
    });
    caller = new RpcCaller(broker.address);
    const read = async (options?: object): Promise<unknown> => await caller.call("ReadSecret", { name: "A", options });
    const bound = { namespace: "team-a", nested: { list: [1, "two"] } };
    const seen = async (options?: object): Promise<unknown> =>
      JSON.parse(String(valueOf(((await read(options)) as { response: unknown }).response)));
    expect(await seen()).toEqual(bound);
    expect(await seen({ region: "eu", namespace: "team-a" })).toEqual({ region: "eu", ...bound });
    for (const options of [{ namespace: "team-b" }, { namespace: null }, { nested: { list: [1] } }]) {
      const refused = await read(options);
      expect(refused).toMatchObject({ code: "PERMISSION_DENIED", reason: "POLICY_DENIED" });
      expect(JSON.stringify(refused)).not.toMatch(/team-[ab]/u);
    }
  });
});
