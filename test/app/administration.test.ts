import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Metadata } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFreezeFile } from "../../src/app/freeze-file.js";
import { createAccessToken, hashOfToken } from "../../src/identity/access-token.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { run } from "../cli/run-in-process.js";
import { Watcher } from "../server/watcher.js";
import { RpcCaller } from "./call-rpc.js";

describe("administration of a running broker", () => {
  let broker: TestBroker;
  let caller: RpcCaller;
  let watchers: Watcher[];

  beforeEach(async () => {
    broker = await startBroker();
    caller = new RpcCaller(broker.address);
    watchers = [];
    await caller.call("WriteSecret", { name: "KEY", payload: { $case: "text", value: "first" } });
    await caller.call("WriteSecret", { name: "OTHER", payload: { $case: "text", value: "other" } });
  });

  afterEach(async () => {
    for (const watcher of watchers) await watcher.leave();
    caller.close();
    await broker.stop();
  });

  async function watch(...names: string[]): Promise<Watcher> {
    const watcher = new Watcher(broker.address).subscribe({ names });
    watchers.push(watcher);
    await watcher.untilSynced();
    return watcher;
  }

  const acknowledge = (watcher: Watcher, name: string, version: number): Watcher =>
    watcher.say({ $case: "ack", value: { name, version } });

  it("tells how the broker is", async () => {
    const { response } = await caller.call("GetStatus");
    expect(response).toMatchObject({
      managers: [{ name: "memory", kind: "memory", healthy: true, emulated: ["watch"] }],
      audit: { healthy: true },
      frozenNames: [],
    });
    const { audit, startTime } = response as { audit: { records: bigint }; startTime: { seconds: bigint } };
    // Two for each write.
    expect(audit.records).toBeGreaterThanOrEqual(4n);
    expect(Math.abs(Number(startTime.seconds) - Date.now() / 1_000)).toBeLessThan(60);
  });

  it("tells who may do what, by which rule", async () => {
    const question = { principal: "anyone", action: "read", name: "KEY" };
    expect((await caller.call("CheckAccess", question)).response).toMatchObject({
      allowed: true,
      rule: "access_mode: read_and_write",
    });
    const wrong = await caller.call("CheckAccess", { principal: "", action: "peek", name: "../x" });
    expect(wrong).toMatchObject({ code: "INVALID_ARGUMENT", reason: "FIELD_INVALID" });
    expect(wrong.error?.details).toMatch(/principal .*action .*name /u);
  });

  it("reads the configuration again, and says what needs a restart", async () => {
    const file = join(broker.directory, "config.yaml");
    const text = readFileSync(file, "utf8");
    writeFileSync(
      file,
      text
        .replace("read_and_write", "read_only")
        .replace("level: error", "level: error }\n  limits: { max_payload: 1KiB"),
    );
    expect((await caller.call("ReloadConfiguration")).response).toEqual({
      needsRestart: ["secret_broker.limits.max_payload"],
    });
    expect(await caller.call("DeleteSecret", { name: "KEY" })).toMatchObject({ reason: "ACCESS_MODE_DENIED" });
    writeFileSync(file, "secret_broker: [");
    expect(await caller.call("ReloadConfiguration")).toMatchObject({
      code: "FAILED_PRECONDITION",
      reason: "CONFIG_INVALID",
    });
    expect(await caller.call("ReadSecret", { name: "KEY" })).toMatchObject({ code: "OK" });
  });

  it("freezes a secret for everyone, and lets it be replaced", async () => {
    expect((await caller.call("FreezeSecret", { name: "KEY", cause: "leaked" })).response).toEqual({
      acknowledgedCaches: 0,
      pendingCaches: 0,
    });
    for (const version of [undefined, 1])
      expect(await caller.call("ReadSecret", { name: "KEY", version })).toMatchObject({ reason: "POLICY_DENIED" });
    expect(await caller.call("ReadSecret", { name: "OTHER" })).toMatchObject({ code: "OK" });
    const rotation = { name: "KEY", payload: { $case: "text", value: "second" } };
    expect(await caller.call("RotateSecret", rotation)).toMatchObject({ code: "OK" });
    expect((await caller.call("GetStatus")).response).toMatchObject({ frozenNames: ["KEY"] });
    const records = readFileSync(broker.auditFile, "utf8");
    expect(records).toMatch(/"action":"administer","name":"KEY","decision":"allow"/u);
    expect(records).toMatch(/"action":"read","name":"KEY","decision":"deny","rule":"frozen"/u);
    expect(await caller.call("UnfreezeSecret", { name: "KEY" })).toMatchObject({ code: "OK" });
    expect(await caller.call("ReadSecret", { name: "KEY" })).toMatchObject({ code: "OK" });
  });

  it("takes a frozen secret from those who watch it, and counts who confirmed", async () => {
    const [confirming, silent, uninvolved] = [await watch("KEY"), await watch("KEY", "OTHER"), await watch("OTHER")];
    const freezing = caller.call("FreezeSecret", { name: "KEY", cause: "leaked" });
    await confirming.until((told) => told === "removal KEY");
    acknowledge(confirming, "KEY", 0);
    expect((await freezing).response).toEqual({ acknowledgedCaches: 1, pendingCaches: 1 });
    expect(silent.textOf("KEY")).toBeUndefined();
    expect(uninvolved.textOf("OTHER")).toBe("other");
    await caller.call("UnfreezeSecret", { name: "KEY" });
    expect(await confirming.until((told) => told.startsWith("change"))).toEqual(["change KEY@1=first"]);
    expect(await silent.until((told) => told.startsWith("change"))).toContain("change KEY@1=first");
  }, 20_000);

  it("does not wait for a watcher that leaves", async () => {
    const leaving = await watch("KEY");
    const freezing = caller.call("FreezeSecret", { name: "KEY", cause: "leaked" });
    await leaving.until((told) => told === "removal KEY");
    watchers = [];
    const startMs = performance.now();
    await leaving.leave();
    expect((await freezing).response).toEqual({ acknowledgedCaches: 0, pendingCaches: 1 });
    expect(performance.now() - startMs).toBeLessThan(3_000);
  });

  it("lists who watches, page by page, with the versions they use", async () => {
    acknowledge(await watch("KEY"), "KEY", 1);
    await watch("OTHER");
    await watch("KEY", "OTHER");
    const list = async (
      query: object,
    ): Promise<{ consumers: { acknowledgedVersions: Map<string, number> }[]; nextPageToken: string }> =>
      (await caller.call("ListConsumers", query)).response as never;
    expect((await list({})).consumers).toHaveLength(3);
    expect((await list({ name: "KEY" })).consumers).toHaveLength(2);
    const first = await list({ pageSize: 2 });
    expect(first.consumers.map(({ acknowledgedVersions }) => [...acknowledgedVersions])).toEqual([[["KEY", 1]], []]);
    const second = await list({ pageSize: 2, pageToken: first.nextPageToken });
    expect(second).toMatchObject({ consumers: [{ principal: "local" }], nextPageToken: "" });
    expect(await caller.call("ListConsumers", { pageToken: "x" })).toMatchObject({ reason: "FIELD_INVALID" });
  });
});

describe("administration under policies", () => {
  const tokens = { ops: createAccessToken(), closed: createAccessToken(), most: createAccessToken() };
  const team = createAccessToken();
  const principals = Object.entries({ ...tokens, team });
  const config = `
general_settings: { key_management_settings: { access_mode: read_and_write, hosted_keys: [team/A, payments/A] } }
secret_broker:
  manager: { kind: memory }
  admin: { listen: "off" }
  log: { level: error }
  audit: { sink: file, path: audit.jsonl }
  authentication: { tokens: { file: tokens.yaml } }
  policies:
    - { name: operators, principals: [ops, closed, most], actions: ["*", administer], names: ["**"] }
    - { name: closing, effect: deny, principals: [closed], actions: ["*", administer], names: ["*", "*/**"] }
    - { name: no-payments, effect: deny, principals: [most], actions: ["*", administer], names: ["payments/**"] }
    - { name: team, principals: [team], actions: [list, watch, administer], names: ["team/**"] }
`;
  let broker: TestBroker;
  let caller: RpcCaller;

  beforeEach(async () => {
    const entries = principals.map(
      ([principal, token]) => `  - { principal: ${principal}, hash: "${hashOfToken(token)}" }`,
    );
    broker = await startBroker({ config, files: { "tokens.yaml": `tokens:\n${entries.join("\n")}\n` } });
    caller = new RpcCaller(broker.address);
  });

  afterEach(async () => {
    caller.close();
    await broker.stop();
  });

  const as = (token: string): Metadata => {
    const metadata = new Metadata();
    metadata.set("authorization", `Bearer ${token}`);
    return metadata;
  };

  const readOfAll = {
    ...{ field: "", version: undefined, knownVersion: undefined, options: undefined, maxStaleness: undefined },
  };
  const nameless = { GetStatus: {}, VerifyAudit: {}, ReloadConfiguration: {}, ListConsumers: {}, ListSecrets: {} };
  const question = (name: string): object => ({ principal: "p", action: "read", name });
  const named = (name: string): Record<string, object> => ({
    FreezeSecret: { name, cause: "a test" },
    UnfreezeSecret: { name },
    CheckAccess: question(name),
    ListConsumers: { name },
  });

  /** Which of some calls are not denied. */
  async function allowedOf(calls: Record<string, object>, token: string): Promise<string[]> {
    const outcomes = Object.entries(calls).map(async ([rpc, request]) => {
      const { reason } = await caller.call(rpc, request, as(token));
      return reason === "POLICY_DENIED" ? [] : [rpc];
    });
    return (await Promise.all(outcomes)).flat();
  }

  it("is refused to whom a rule denies every name, whatever else allows it", async () => {
    expect(await allowedOf(nameless, tokens.ops)).toEqual(Object.keys(nameless));
    expect(await allowedOf(nameless, tokens.closed)).toEqual([]);
    for (const name of ["team/A", "x"]) expect(await allowedOf(named(name), tokens.closed)).toEqual([]);
  });

  it("takes the right to the name it is about, and without a name to every name", async () => {
    expect(await allowedOf(named("team/A"), team)).toEqual(Object.keys(named("team/A")));
    for (const name of ["payments/A", "team"]) expect(await allowedOf(named(name), team)).toEqual([]);
    expect(await allowedOf(nameless, team)).toEqual(["ListSecrets"]);
    expect(await allowedOf({ CheckAccess: { principal: "p", action: "list", name: "" } }, team)).toEqual([]);
    expect(await allowedOf(nameless, tokens.most)).toEqual(Object.keys(nameless));
    expect(await allowedOf(named("payments/A"), tokens.most)).toEqual([]);
  });

  it("is explained and recorded as it is decided", async () => {
    for (const [principal, token] of principals) {
      const { code } = await caller.call("GetStatus", {}, as(token));
      const { response } = await caller.call(
        "CheckAccess",
        { principal, action: "administer", name: "" },
        as(tokens.ops),
      );
      const record = readFileSync(broker.auditFile, "utf8")
        .split("\n")
        .findLast((line) => line.includes(`"principal":"${principal}"`) && !line.includes('"name"'));
      const { decision, rule } = JSON.parse(record ?? "{}") as { decision: string; rule: string };
      const file = join(broker.directory, "config.yaml");
      const checked = await run(["policy", "check", "--config", file, "--as", principal, "--action", "administer"]);
      expect(response).toMatchObject({ allowed: code === "OK", rule });
      expect(decision).toBe(code === "OK" ? "allow" : "deny");
      expect(checked.stdout).toMatch(code === "OK" ? `allowed by ${rule}` : `denied by ${rule}`);
    }
    const about = { principal: "team", action: "administer", name: "" };
    expect((await caller.call("CheckAccess", about, as(tokens.ops))).response).toEqual({
      ...{ allowed: false, rule: "default deny" },
      nearestAllowingRule: "team is for some names only",
    });
    const without = { principal: "team", action: "read", name: "" };
    expect(await caller.call("CheckAccess", without, as(tokens.ops))).toMatchObject({ reason: "FIELD_INVALID" });
  });

  it("is replayed without a change under the same configuration, whatever was called", async () => {
    const payload = { $case: "text", value: "v" };
    const reads = ["team/A", "payments/A"].map((name) => ({ ...readOfAll, name }));
    for (const token of Object.values({ ...tokens, team })) {
      for (const name of ["team/A", "payments/A", "other"]) {
        await caller.call("WriteSecret", { name, payload }, as(token));
        for (const newName of ["team/A", "payments/A", "other", ""])
          await caller.call("RotateSecret", { name, newName, payload }, as(token));
        await caller.call("DeleteSecret", { name, recoveryWindowInDays: 0 }, as(token));
        await allowedOf(named(name), token);
      }
      await caller.call("BatchReadSecrets", { reads }, as(token));
      await allowedOf(nameless, token);
    }
    const candidate = join(broker.directory, "config.yaml");
    const replayed = await run(["policy", "replay", "--candidate", candidate, "--audit", broker.auditFile]);
    expect(replayed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^0 of \d{3} calls/u) as unknown });
  });

  it("shows no names that a rule denies", async () => {
    const payload = { $case: "text", value: "v" };
    for (const name of ["team/A", "payments/A"]) await caller.call("WriteSecret", { name, payload }, as(tokens.ops));
    const watcher = new Watcher(broker.address, as(tokens.ops)).subscribe({ names: ["team/A", "payments/A"] });
    await watcher.untilSynced();
    for (const name of ["team/A", "payments/A"]) watcher.say({ $case: "ack", value: { name, version: 1 } });
    // Not hosted, and no reason to forget about them.
    for (const name of ["other/A", "payments/B"])
      await caller.call("FreezeSecret", { name, cause: "a test" }, as(tokens.ops));
    const shownTo = async (token: string): Promise<unknown> => {
      const { frozenNames } = (await caller.call("GetStatus", {}, as(token))).response as { frozenNames: string[] };
      const { consumers } = (await caller.call("ListConsumers", {}, as(token))).response as {
        consumers: { acknowledgedVersions: Map<string, number> }[];
      };
      return { frozenNames, acknowledged: consumers.map(({ acknowledgedVersions: acked }) => [...acked.keys()]) };
    };
    const all = { frozenNames: ["other/A", "payments/B"], acknowledged: [["team/A", "payments/A"]] };
    await expect.poll(() => shownTo(tokens.ops)).toEqual(all);
    expect(await shownTo(tokens.most)).toEqual({ frozenNames: ["other/A"], acknowledged: [["team/A"]] });
    await watcher.leave();
  });
});

describe("freezes", () => {
  const config = `
secret_broker:
  manager: { kind: memory }
  admin: { listen: "off" }
  log: { level: error }
  audit: { sink: file, path: audit.jsonl }
  freezes: { path: kept/freezes.json }
`;

  it("outlast a restart", async () => {
    const first = await startBroker({ config });
    const keeper = join(first.directory, "kept/freezes.json");
    const caller = new RpcCaller(first.address);
    expect(existsSync(keeper)).toBe(false);
    await caller.call("FreezeSecret", { name: "KEY", cause: "leaked" });
    const kept = readFileSync(keeper, "utf8");
    caller.close();
    await first.stop();

    const second = await startBroker({
      config: config.replace("kept/freezes.json", "freezes.json"),
      files: { "freezes.json": kept },
    });
    const again = new RpcCaller(second.address);
    expect(await again.call("ReadSecret", { name: "KEY" })).toMatchObject({ reason: "POLICY_DENIED" });
    await again.call("UnfreezeSecret", { name: "KEY" });
    expect((await createFreezeFile(join(second.directory, "freezes.json")).load()).size).toBe(0);
    again.close();
    await second.stop();
  });

  it.each(["", "{", '{"frozen":[{"name":"../x"}]}', '{"frozen":{}}'])(
    "keep a broker with a damaged file, %j, from starting",
    async (text) => {
      const starting = startBroker({ config: config.replace("kept/", ""), files: { "freezes.json": text } });
      await expect(starting).rejects.toThrow(/the file of freezes .* is damaged/u);
    },
  );

  it("are in force and told to be lost with a restart when they cannot be kept", async () => {
    const broker = await startBroker({ config });
    writeFileSync(join(broker.directory, "kept"), "a file where the directory would be");
    const caller = new RpcCaller(broker.address);
    const frozen = await caller.call("FreezeSecret", { name: "KEY", cause: "leaked" });
    expect(frozen).toMatchObject({ code: "FAILED_PRECONDITION", reason: "CONFIG_INVALID" });
    expect(await caller.call("ReadSecret", { name: "KEY" })).toMatchObject({ reason: "POLICY_DENIED" });
    caller.close();
    await broker.stop();
  });
});
