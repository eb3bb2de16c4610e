import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAccessToken, hashOfToken } from "../../src/identity/access-token.js";
import { findLeaks, plantCanaries } from "../../src/testkit/canary.js";
import { run } from "../cli/run-in-process.js";
import { Issuer, makeKey } from "../identity/issuer.js";
import { type Outcome, rpcs, RpcCaller } from "../app/call-rpc.js";
import { misbehavingManager } from "./misbehaving-manager.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const config = `
general_settings:
  key_management_system: custom
  key_management_settings:
    custom_secret_manager: misbehaving_manager.MisbehavingManager
    access_mode: read_and_write
    store_virtual_keys: true
secret_broker:
  admin: { listen: "127.0.0.1:0" }
  audit: { sink: file, path: audit.jsonl }
  metrics: { secret_names: true }
  timeouts: { health_interval: 100ms }
  authentication:
    tokens: { file: tokens.yaml }
    jwt: [{ issuer: "ISSUER_URL", audiences: [secret-broker], refetch_cooldown: 1s, bearer_token_file: bearer }]
  policies:
    - { principals: [canary], actions: ["*", administer], names: ["**"] }
    - { effect: deny, principals: [canary], actions: [read], names: [DENIED] }
  principals: [{ principal: canary, options: { bound: BOUND_OPTION } }]
`;

/** Writes every span to a file, as an exporter would send it. */
const spanExporter = `
import { writeFileSync } from "node:fs";
import { trace } from "@opentelemetry/api";
const context = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: 1 };
const note = (kind) => (...facts) => { writeFileSync(process.env.SPANS, kind + JSON.stringify(facts) + "\\n", { flag: "a" }); };
const span = () => ({ spanContext: () => context, setAttribute: note("attribute"), setAttributes: note("attributes"),
  addEvent: note("event"), setStatus: note("status"), updateName: note("name"), end: note("end"), isRecording: () => true,
  recordException: note("exception") });
trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: (...facts) => { note("start")(...facts.slice(0, 2)); return span(); },
  startActiveSpan: () => undefined }) });
`;

describe("nothing secret leaves by any other way than the answer that must carry it", () => {
  const folder = mkdtempSync(join(tmpdir(), "secret-broker-leak-"));
  const canaries = {
    held: plantCanaries().text,
    written: plantCanaries().json,
    refused: plantCanaries().text,
    option: plantCanaries().json,
    token: createAccessToken(),
    unknownToken: createAccessToken(),
    expiredToken: createAccessToken(),
    mistypedToken: `sbt_${randomUUID()}`,
    jwt: "",
    jwtSignature: "",
    expiredJwt: "",
    foreignJwt: "",
    unknownKeyJwt: "",
    discoveryBearer: `bearer-${randomUUID()}`,
    bound: plantCanaries().text,
    virtual: plantCanaries().json,
  };
  const outcomes: Outcome[] = [];
  let auditKey = "";
  const outputs = new Map<string, string>();
  let broker: ChildProcess;

  let issuer: Issuer;

  async function plantJwts(): Promise<void> {
    issuer = await Issuer.start();
    canaries.jwt = await issuer.token({ claims: { sub: "canary" } });
    canaries.jwtSignature = canaries.jwt.split(".")[2] ?? "";
    canaries.expiredJwt = await issuer.token({ claims: { sub: "canary", exp: 1 } });
    canaries.foreignJwt = await issuer.token({ claims: { sub: "canary", aud: randomUUID() } });
    canaries.unknownKeyJwt = await issuer.token({ key: await makeKey("unknown") });
    writeFileSync(join(folder, "bearer"), canaries.discoveryBearer);
  }

  beforeAll(async () => {
    await plantJwts();
    writeFileSync(
      join(folder, "config.yaml"),
      config.replace("BOUND_OPTION", () => JSON.stringify(canaries.bound)).replace("ISSUER_URL", issuer.url),
    );
    const entry = (token: string, more: string): string =>
      `  - { principal: canary, hash: "${hashOfToken(token)}"${more} }\n`;
    const expired = entry(canaries.expiredToken, ', expires: "2020-01-01T00:00:00Z"');
    writeFileSync(join(folder, "tokens.yaml"), `tokens:\n${entry(canaries.token, "")}${expired}`, { mode: 0o600 });
    writeFileSync(join(folder, "misbehaving_manager.mjs"), misbehavingManager);
    writeFileSync(join(folder, "canaries.json"), JSON.stringify({ held: canaries.held }));
    mkdirSync(join(root, "node_modules/.cache"), { recursive: true });
    writeFileSync(join(root, "node_modules/.cache/span-exporter.mjs"), spanExporter);
    broker = start();
    const addresses = await untilServing(broker);
    await misuse(addresses.grpc);
    outputs.set("metrics", await (await fetch(`${addresses.admin}/metrics`)).text());
    outputs.set("readiness", await (await fetch(`${addresses.admin}/readyz`)).text());
    outputs.set("command line", readFileSync(`/proc/${String(broker.pid)}/cmdline`, "latin1"));
    outputs.set("environment", readFileSync(`/proc/${String(broker.pid)}/environ`, "latin1"));
    broker.kill("SIGTERM");
    await once(broker, "close");
    outputs.set("audit", readFileSync(join(folder, "audit.jsonl"), "utf8"));
    outputs.set("spans", readFileSync(join(folder, "spans"), "utf8"));
    auditKey = readFileSync(join(folder, ".secret-broker/audit.key"), "utf8").split("\n")[1] ?? "";
    outputs.set("audit head", readFileSync(join(folder, ".secret-broker/audit.jsonl.head"), "utf8"));
    outputs.set("audit commands", await askAudit());
  }, 60_000);

  afterAll(async () => {
    await issuer.down();
    rmSync(folder, { recursive: true, force: true });
  });

  function start(): ChildProcess {
    const child = spawn(
      process.execPath,
      ["--import", join(root, "node_modules/.cache/span-exporter.mjs"), join(root, "dist/main.js")].concat([
        "serve",
        "--detailed-debug",
        "--config",
        join(folder, "config.yaml"),
        "--listen",
        "127.0.0.1:0",
      ]),
      { env: { ...process.env, SPANS: join(folder, "spans") } },
    );
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream].on("data", (chunk: Buffer) => {
        outputs.set(stream, (outputs.get(stream) ?? "") + chunk.toString("utf8"));
      });
    }
    return child;
  }

  /** What the commands that look into audit records print, and whether they found the value they were asked for. */
  async function askAudit(): Promise<string> {
    const parameters = ["--config", join(folder, "config.yaml"), "--json"];
    const found = await run(["audit", "who-read", ...parameters], { stdin: canaries.held });
    const results = [
      await run(["audit", "verify", ...parameters]),
      await run(["audit", "public-key", ...parameters]),
      found,
    ];
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0]);
    return results.map(({ stdout, stderr }) => stdout + stderr).join("\n");
  }

  async function untilServing(child: ChildProcess): Promise<{ grpc: string; admin: string }> {
    while (!(outputs.get("stderr") ?? "").includes("grpcurl")) await once(child.stderr ?? child, "data");
    const banner = outputs.get("stderr") ?? "";
    return {
      grpc: /gRPC +(127\.0\.0\.1:\d+)/u.exec(banner)?.[1] ?? "",
      admin: /metrics +(http:\/\/[^/]+)/u.exec(banner)?.[1] ?? "",
    };
  }

  async function misuse(address: string): Promise<void> {
    const caller = new RpcCaller(address);
    const metadata = new Metadata();
    metadata.set("authorization", `Bearer ${canaries.token}`);
    const call = async (name: string, request: object): Promise<void> => {
      outcomes.push(await caller.call(name, { options: { hint: canaries.option }, ...request }, metadata));
    };
    const text = (value: string): object => ({ payload: { $case: "text", value } });
    await call("WriteSecret", { name: "WRITTEN", ...text(canaries.written) });
    await call("WriteSecret", { name: "REFUSED", ...text(canaries.refused) });
    await call("WriteSecret", { name: "../x", ...text(canaries.refused) });
    await call("StoreVirtualKey", { alias: "a", key: canaries.virtual });
    await call("RotateVirtualKey", { alias: "a", newAlias: "b", key: canaries.virtual });
    await call("RotateSecret", { name: "WRITTEN", newName: "REFUSED", ...text(canaries.refused) });
    for (const name of ["THROWS", "THROWS_STRING", "REJECTS", "NAMED", "JSON", "NUMBER", "OPTIONS", "LATER"]) {
      await call("ReadSecret", { name });
    }
    await call("ReadSecret", { name: "DENIED" });
    await call("ReadSecret", { name: "HELD", options: { bound: canaries.option } });
    const wrongTokens = [canaries.unknownToken, canaries.expiredToken, canaries.mistypedToken];
    const jwts = [canaries.jwt, canaries.expiredJwt, canaries.foreignJwt, canaries.unknownKeyJwt];
    const read = async (bearer: string): Promise<void> => {
      const others = new Metadata();
      others.set("authorization", `Bearer ${bearer}`);
      outcomes.push(await caller.call("ReadSecret", { name: "HELD" }, others));
    };
    for (const bearer of [...wrongTokens, ...jwts, `${canaries.jwt}x`]) await read(bearer);
    // An issuer that fails, for what is logged of it.
    await issuer.down();
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await read(canaries.unknownKeyJwt);
    await read(canaries.jwt);
    for (const field of ["a", canaries.token.slice(0, 4)]) await call("ReadSecret", { name: "HELD", field });
    for (const name of rpcs.keys()) await call(name, { name: "HELD", alias: "x" }).catch(() => undefined);
    caller.close();
  }

  it("was provoked: calls failed in many ways and some succeeded", () => {
    const reasons = new Set(outcomes.map(({ reason }) => reason));
    const refusals = ["POLICY_DENIED", "CREDENTIAL_INVALID", "CREDENTIAL_EXPIRED", "IDENTITY_UNAVAILABLE"];
    for (const reason of [
      "MANAGER_UNAVAILABLE",
      "MANAGER_REPLY_INVALID",
      "FIELD_INVALID",
      "FIELD_NOT_FOUND",
      ...refusals,
    ]) {
      expect(reasons).toContain(reason);
    }
    expect(outcomes.some(({ code }) => code === "OK")).toBe(true);
  });

  it.each(
    ["stdout", "stderr", "audit", "audit head", "audit commands", "metrics", "readiness"].concat([
      "command line",
      "environment",
      "spans",
    ]),
  )("%s holds no canary", (output) => {
    expect(findLeaks(outputs.get(output) ?? "", { ...canaries, auditKey })).toEqual([]);
  });

  it.each(["stderr", "audit", "audit head", "audit commands", "metrics", "spans"])("%s was really kept", (output) => {
    expect((outputs.get(output) ?? "").length).toBeGreaterThan(100);
  });

  it("no error carries a canary, in its message or its details", () => {
    const errors = outcomes.flatMap(({ error }) => (error === undefined ? [] : [error]));
    for (const error of errors) {
      const details = error.metadata.get("grpc-status-details-bin").map((bytes) => bytes.toString("latin1"));
      expect(findLeaks([error.message, error.details, ...details].join("\n"), canaries)).toEqual([]);
    }
  });
});
