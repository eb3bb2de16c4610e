import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Metadata } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAccessToken, hashOfToken } from "../../src/identity/access-token.js";
import { recordLines } from "../audit/example-record.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { type Outcome, RpcCaller } from "../app/call-rpc.js";
import { Issuer, makeKey } from "./issuer.js";

const subscribe = {
  ...{ names: ["A"], prefixes: [], resumeRevision: 0n },
  ...{ knownVersions: new Map(), knownUids: new Map() },
};

let issuer: Issuer;
let broker: TestBroker;
let caller: RpcCaller;

beforeEach(async () => {
  issuer = await Issuer.start();
});

afterEach(async () => {
  caller.close();
  await broker.stop();
  await issuer.down();
});

async function start(more = "", files: Readonly<Record<string, string>> = {}): Promise<void> {
  const config = `
secret_broker:
  manager: { kind: memory }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
  authentication:
    jwt:
      - issuer: ${issuer.url}
        audiences: [${issuer.audience}]
        clock_tolerance: 0s
        ${more}
  policies: [{ name: all, principals: ["app-*"], groups: [readers], actions: ["*"], names: ["**"] }]
`;
  broker = await startBroker({ config, files });
  caller = new RpcCaller(broker.address);
}

function bearer(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  return metadata;
}

async function read(token: string): Promise<string | undefined> {
  const outcome: Outcome = await caller.call("ReadSecret", { name: "A" }, bearer(token));
  return outcome.reason;
}

describe("JSON Web Tokens over gRPC", () => {
  it("prove their subject, which is what audit has", async () => {
    await start();
    const token = await issuer.token();
    expect(await read(token)).toBe("SECRET_NOT_FOUND");
    expect(await read(token)).toBe("SECRET_NOT_FOUND");
    const records = recordLines(readFileSync(broker.auditFile, "utf8"));
    expect(records).toHaveLength(2);
    for (const record of records) {
      expect(JSON.parse(record)).toMatchObject({ principal: "app-a", proven_by: "jwt", decision: "allow" });
    }
    expect(records.join()).not.toContain(token.slice(0, 20));
    expect(issuer.fetches).toBe(1);
    expect((await caller.call("ReadSecret", { name: "A" })).reason).toBe("CREDENTIAL_MISSING");
  });

  it("stand beside static tokens", async () => {
    const fixed = createAccessToken();
    const entry = `tokens:\n  - { principal: app-b, hash: "${hashOfToken(fixed)}" }\n`;
    await start("\n    tokens: { file: tokens.yaml }", { "tokens.yaml": entry });
    expect(await read(fixed)).toBe("SECRET_NOT_FOUND");
    expect(await read(await issuer.token())).toBe("SECRET_NOT_FOUND");
    expect(await read(createAccessToken())).toBe("CREDENTIAL_INVALID");
    expect(await read("sbt_x")).toBe("CREDENTIAL_INVALID");
    expect(await read("x")).toBe("CREDENTIAL_INVALID");
  });

  it("put their subject into groups", async () => {
    await start("groups_claim: roles");
    const claims = { sub: "someone" };
    expect(await read(await issuer.token({ claims }))).toBe("POLICY_DENIED");
    expect(await read(await issuer.token({ claims: { ...claims, roles: ["readers"] } }))).toBe("SECRET_NOT_FOUND");
  });

  it("end a watch when they expire", async () => {
    await start();
    const exp = Math.ceil(Date.now() / 1_000) + 2;
    const token = await issuer.token({ claims: { exp } });
    expect(await caller.watch({ action: { $case: "subscribe", value: subscribe } }, bearer(token))).toBe(
      "CREDENTIAL_EXPIRED",
    );
    expect(await read(token)).toBe("CREDENTIAL_EXPIRED");
  });

  it("end a watch, and calls, when their issuer takes the key back", async () => {
    await start("refetch_cooldown: 1s");
    const token = await issuer.token();
    expect(await read(token)).toBe("SECRET_NOT_FOUND");
    const ended = caller.watch({ action: { $case: "subscribe", value: subscribe } }, bearer(token));
    const next = await makeKey("second");
    issuer.published = [next.jwk];
    issuer.signWith(next);
    const renewed = await issuer.token();
    await expect.poll(() => read(renewed), { timeout: 5_000 }).toBe("SECRET_NOT_FOUND");
    expect(await read(token)).toBe("CREDENTIAL_INVALID");
    expect(await ended).toBe("CREDENTIAL_INVALID");
  });

  it("are refused as unavailable, not as invalid, while their issuer's keys cannot be had", async () => {
    const token = await issuer.token();
    await issuer.down();
    await start();
    const outcome = await caller.call("ReadSecret", { name: "A" }, bearer(token));
    expect(outcome).toMatchObject({ code: "UNAVAILABLE", reason: "IDENTITY_UNAVAILABLE" });
    await issuer.up();
    await expect.poll(() => read(token), { timeout: 10_000 }).toBe("SECRET_NOT_FOUND");
  });

  it("are verified with the keys of a file, which is taken over when it changes", async () => {
    const next = await makeKey("second");
    const [old, renewed] = [await issuer.token(), await issuer.token({ key: next })];
    await start("jwks_file: keys.json", { "keys.json": JSON.stringify({ keys: issuer.published }) });
    expect(await read(old)).toBe("SECRET_NOT_FOUND");
    expect(await read(renewed)).toBe("CREDENTIAL_INVALID");
    const ended = caller.watch({ action: { $case: "subscribe", value: subscribe } }, bearer(old));
    writeFileSync(join(broker.directory, "keys.json"), JSON.stringify({ keys: [next.jwk] }));
    await expect.poll(() => read(renewed), { timeout: 5_000 }).toBe("SECRET_NOT_FOUND");
    expect(await read(old)).toBe("CREDENTIAL_INVALID");
    expect(await ended).toBe("CREDENTIAL_INVALID");
    expect(issuer.requests).toEqual([]);
  });

  it("go before a socket's own principal, and are refused there when they are bad", async () => {
    await start();
    const socket = new RpcCaller(broker.socket);
    const outcome = async (metadata: Metadata): Promise<string | undefined> =>
      (await socket.call("ReadSecret", { name: "A" }, metadata)).reason;
    expect(await outcome(bearer(await issuer.token()))).toBe("SECRET_NOT_FOUND");
    expect(await outcome(bearer("x.y.z"))).toBe("CREDENTIAL_INVALID");
    expect(await outcome(new Metadata())).toBe("CREDENTIAL_MISSING");
    socket.close();
  });

  it("that many calls bring at once are verified together, and none of the calls is lost", async () => {
    await start();
    const token = await issuer.token();
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => read(token)));
    expect(new Set(outcomes)).toEqual(new Set(["SECRET_NOT_FOUND"]));
    expect(recordLines(readFileSync(broker.auditFile, "utf8"))).toHaveLength(200);
    expect(issuer.fetches).toBe(1);
  });

  it("do not keep a broker from stopping, or a call from ending, while their issuer does not answer", async () => {
    issuer.answer = () => undefined;
    await start("fetch_timeout: 30s");
    const token = await issuer.token();
    const unproven = async (): Promise<string | undefined> => (await caller.call("ReadSecret", { name: "A" })).reason;
    expect(await unproven()).toBe("CREDENTIAL_MISSING");
    const pending = read(token);
    // On one connection, so the broker has the other call by now.
    expect(await unproven()).toBe("CREDENTIAL_MISSING");
    await broker.stop();
    expect(await pending).toBe("IDENTITY_UNAVAILABLE");
  });
});
