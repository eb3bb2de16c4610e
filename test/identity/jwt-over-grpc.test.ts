import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Metadata } from "@grpc/grpc-js";
import type { JWTPayload } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BrokerApp } from "../../src/app/broker-app.js";
import { loadConfig } from "../../src/config/load-config.js";
import { createAccessToken, hashOfToken } from "../../src/identity/access-token.js";
import { createLog } from "../../src/log/create-log.js";
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
  const config = configText(more);
  broker = await startBroker({ config, files });
  caller = new RpcCaller(broker.address);
}

function configText(more = ""): string {
  return `
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
}

function bearer(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  return metadata;
}

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** All of the answer to a token, but for when it came. */
async function answerTo(token: string): Promise<string> {
  const metadata = bearer(token);
  metadata.set("x-request-id", "the-same");
  const { error } = await caller.call("ReadSecret", { name: "A" }, metadata);
  const trailers = Object.entries(error?.metadata.toHttp2Headers() ?? {}).filter(([key]) => key !== "date");
  return JSON.stringify([error?.code, error?.details, trailers.sort()]);
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

  it("that nobody is known to have signed are all answered the same, byte for byte", async () => {
    await start("required_claims: { env: live }\n    tokens: { file: tokens.yaml }", { "tokens.yaml": "" });
    const signed = await issuer.token({ claims: { env: "live" } });
    expect(await read(signed)).toBe("SECRET_NOT_FOUND");
    const [, claims = ""] = signed.split(".");
    const stranger = await makeKey("stranger");
    const named = { key: stranger, header: { kid: "first" } };
    const forged = await Promise.all([
      issuer.token({ claims: { env: "live" }, ...named }),
      issuer.token({ claims: { env: "test" }, ...named }),
      issuer.token({ claims: { env: "live", aud: "other" }, ...named }),
      issuer.token({ claims: { env: "live", exp: 1 }, ...named }),
      issuer.token({ claims: { env: "live", sub: "" }, ...named }),
      issuer.token({ claims: { iss: "https://elsewhere.example" }, ...named }),
      issuer.token({ claims: { env: "live" }, key: stranger }),
      issuer.token({ claims: { env: "live" }, header: { typ: "logout+jwt" } }),
    ]);
    const algorithms = ["none", "HS256", "RS256", "x"].map((alg) => `${encoded({ alg, kid: "first" })}.${claims}.AAAA`);
    const strange = ["x", "e30.e30.", `${signed}x`, "x".repeat(8_193), createAccessToken()];
    const [first = "", ...others] = await Promise.all([...forged, ...algorithms, ...strange].map(answerTo));
    expect(first).toContain("the bearer token is not valid");
    expect(new Set([first, ...others])).toEqual(new Set([first]));
    // Known by now, each of them.
    expect(new Set(await Promise.all(forged.map(answerTo)))).toEqual(new Set([first]));
  });

  it("that nobody is known to have signed are explained in the log alone", async () => {
    await start("", { "other.yaml": configText().replace("audit.jsonl", "other.jsonl") });
    const lines: string[] = [];
    const log = createLog("debug", { write: (line) => void lines.push(line) });
    const { config } = await loadConfig(join(broker.directory, "other.yaml"), { listen: ["127.0.0.1:0"] });
    const app = await new BrokerApp(config, log).start();
    const other = new RpcCaller(app.addresses[0] ?? "");
    const token = await issuer.token({ key: await makeKey("stranger") });
    expect((await other.call("ReadSecret", { name: "A" }, bearer(token))).reason).toBe("CREDENTIAL_INVALID");
    other.close();
    await app.stop();
    const refused = lines.filter((line) => line.includes("a call was refused or failed"));
    expect(refused.join()).toContain("the bearer token is signed with a key that its issuer does not publish");
    for (const part of token.split(".")) expect(lines.join()).not.toContain(part);
  });

  it("that their issuer has signed are told what is wrong with them", async () => {
    await start("required_claims: { env: live }");
    const told = async (changes: JWTPayload): Promise<string> =>
      await answerTo(await issuer.token({ claims: { env: "live", ...changes } }));
    expect(await told({ exp: 1 })).toContain("the bearer token has expired");
    expect(await told({ aud: "other" })).toContain("the bearer token is for another audience than this broker");
    expect(await told({ env: "test" })).toContain("the bearer token lacks a claim that is required");
  });

  it("tell nothing while their issuer's keys cannot be had, expired or not", async () => {
    const tokens = await Promise.all([{}, { exp: 1 }, { aud: "x" }].map((claims) => issuer.token({ claims })));
    await issuer.down();
    await start();
    expect(await Promise.all(tokens.map(read))).toEqual(Array(3).fill("IDENTITY_UNAVAILABLE"));
    expect(await read(await issuer.token({ claims: { iss: "https://elsewhere.example" } }))).toBe("CREDENTIAL_INVALID");
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
