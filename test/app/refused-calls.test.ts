import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Metadata } from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import { actions as actionNames } from "../../src/domain/action.js";
import { createAccessToken, hashOfToken } from "../../src/identity/access-token.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { recordLines } from "../audit/example-record.js";
import { run } from "../cli/run-in-process.js";
import { Issuer, makeKey } from "../identity/issuer.js";
import { RpcCaller, rpcs } from "./call-rpc.js";

const token = { good: createAccessToken(), expired: createAccessToken(), unknown: createAccessToken() };
const tokens = `tokens:
  - { principal: app-a, hash: "${hashOfToken(token.good)}" }
  - { principal: app-a, hash: "${hashOfToken(token.expired)}", expires: 2020-01-01T00:00:00Z }
`;

const config = `
secret_broker:
  manager: { kind: memory }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
  authentication: { tokens: { file: tokens.yaml } }
  policies: [{ name: all, principals: ["app-*"], actions: ["*"], names: ["**"] }]
`;

let broker: TestBroker;
let caller: RpcCaller;

async function start(text = config): Promise<void> {
  broker = await startBroker({ config: text, files: { "tokens.yaml": tokens } });
  caller = new RpcCaller(broker.address);
}

afterEach(async () => {
  caller.close();
  await broker.stop();
});

function bearer(text: string, requestId?: string): Metadata {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${text}`);
  if (requestId !== undefined) metadata.set("x-request-id", requestId);
  return metadata;
}

interface AuditLine {
  readonly action: string;
  readonly principal: string;
  readonly rule: string;
  readonly outcome: string;
  readonly decision: string;
  readonly left_out?: number;
}

function recordsIn(file: string): AuditLine[] {
  return recordLines(readFileSync(file, "utf8")).map((line) => JSON.parse(line) as AuditLine);
}

function records(): AuditLine[] {
  return recordsIn(broker.auditFile);
}

describe("a call that is refused for its credential", () => {
  it.each([
    ["CREDENTIAL_MISSING", new Metadata()],
    ["CREDENTIAL_INVALID", bearer(token.unknown)],
    ["CREDENTIAL_EXPIRED", bearer(token.expired)],
  ])("is on record with %s once it is answered", async (reason, metadata) => {
    await start();
    metadata.set("x-request-id", "request-1");
    expect(await caller.call("ReadSecret", { name: "providers/chat" }, metadata)).toMatchObject({ reason });
    expect(records()).toEqual([
      expect.objectContaining({
        ...{ phase: "outcome", request_id: "request-1", principal: "", proven_by: "none", action: "read" },
        ...{ name: "providers/chat", decision: "deny", rule: "authentication", outcome: reason },
        peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/u) as string,
      }),
    ]);
    expect(readFileSync(broker.auditFile, "utf8")).not.toMatch(/sbt_|sha256:/u);
    expect(await run(["audit", "verify", "--config", join(broker.directory, "config.yaml")])).toMatchObject({
      code: 0,
    });
  });

  it("is on record whatever it calls", async () => {
    await start();
    for (const name of rpcs.keys()) {
      const refused = await caller.call(name, new Uint8Array(), bearer(token.unknown));
      expect(refused).toMatchObject({ reason: "CREDENTIAL_INVALID" });
    }
    const actions = records().map(({ action }) => action);
    // The last of them are beyond what one caller has on record at once.
    expect(actions.length).toBeGreaterThanOrEqual(20);
    expect(new Set(actions)).toEqual(new Set(actionNames));
  });

  it("is on record when its token had to be verified first", async () => {
    const issuer = await Issuer.start();
    const jwt = `jwt: [{ issuer: "${issuer.url}", audiences: [secret-broker], refetch_cooldown: 1s }]`;
    await start(config.replace("tokens: { file: tokens.yaml }", jwt));
    const good = bearer(await issuer.token());
    const outcome = async (): Promise<string | undefined> =>
      (await caller.call("ReadSecret", { name: "A" }, good)).reason;
    await expect.poll(outcome, { timeout: 5_000 }).toBe("SECRET_NOT_FOUND");
    const before = records().length;
    const forged = await issuer.token({ key: { ...(await makeKey("first")) } });
    expect(await caller.call("ReadSecret", { name: "B" }, bearer(forged))).toMatchObject({
      reason: "CREDENTIAL_INVALID",
    });
    expect(await caller.call("WatchSecrets", new Uint8Array(), bearer(forged))).toMatchObject({
      reason: "CREDENTIAL_INVALID",
    });
    expect(records().slice(before)).toEqual([
      expect.objectContaining({ principal: "", action: "read", name: "B", rule: "authentication" }),
      expect.objectContaining({ principal: "", action: "watch", rule: "authentication" }),
    ]);
    await issuer.down();
  });

  it("has no name on record that could be none", async () => {
    await start();
    await caller.call("ReadSecret", { name: `a\u0000${"b".repeat(100_000)}` });
    expect(records()).toEqual([expect.not.objectContaining({ name: expect.anything() as string })]);
  });

  it("cannot fill the trail, nor keep others from being served, and is counted", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "secret-broker-refused-")), "audit.jsonl");
    await start(config.replace("audit.jsonl", file));
    const calls = 3_000;
    const flood = Array.from({ length: calls }, (_, index) =>
      index % 10 === 0
        ? caller.call("ReadSecret", { name: "A" }, bearer(token.good))
        : caller.call("ReadSecret", { name: "A" }, bearer(token.unknown)),
    );
    const reasons = (await Promise.all(flood)).map(({ reason }) => reason);
    expect(reasons.filter((reason) => reason === "SECRET_NOT_FOUND")).toHaveLength(calls / 10);
    await broker.stop();
    const all = recordsIn(file);
    const refused = all.filter(({ decision }) => decision === "deny");
    // Twenty at once, one each five seconds, and what counts the others.
    expect(refused.length).toBeLessThan(60);
    expect(refused.reduce((sum, { left_out: leftOut = 1 }) => sum + leftOut, 0)).toBe((calls / 10) * 9);
    expect(all).toHaveLength(refused.length + calls / 10);
    rmSync(dirname(file), { recursive: true });
  });

  it("is answered all the same while the trail cannot be written", async () => {
    await start(config.replace("audit.jsonl", "/dev/full"));
    expect(await caller.call("ReadSecret", { name: "A" })).toMatchObject({ reason: "CREDENTIAL_MISSING" });
    expect(await caller.call("ReadSecret", { name: "A" }, bearer(token.good))).toMatchObject({
      reason: "AUDIT_UNAVAILABLE",
    });
    expect(await caller.call("ReadSecret", { name: "A" })).toMatchObject({ reason: "CREDENTIAL_MISSING" });
  });

  it("is no call to decide again", async () => {
    await start();
    await caller.call("ReadSecret", { name: "A" });
    await caller.call("ReadSecret", { name: "A" }, bearer(token.good));
    const replayed = await run([
      ...["policy", "replay", "--json", "--audit", broker.auditFile],
      ...["--candidate", join(broker.directory, "config.yaml")],
    ]);
    expect(JSON.parse(replayed.stdout)).toMatchObject({ calls: 1, skipped: 1, changes: [] });
  });
});
