import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Metadata } from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import { createAccessToken, hashOfToken } from "../../src/identity/access-token.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { recordLines } from "../audit/example-record.js";
import { run } from "../cli/run-in-process.js";
import { RpcCaller } from "./call-rpc.js";

const token = { operator: createAccessToken(), stranger: createAccessToken() };

const config = `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: { kind: memory }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
  authentication: { tokens: { file: tokens.yaml } }
  policies: [{ name: operators, principals: [operator], actions: ["*", administer], names: ["**"] }]
`;

const tokens = `tokens:
  - { principal: operator, hash: "${hashOfToken(token.operator)}" }
  - { principal: stranger, hash: "${hashOfToken(token.stranger)}" }
`;

let broker: TestBroker;
let caller: RpcCaller;

async function start(): Promise<void> {
  broker = await startBroker({ config, files: { "tokens.yaml": tokens } });
  caller = new RpcCaller(broker.address);
}

afterEach(async () => {
  caller.close();
  await broker.stop();
});

function as(principal: keyof typeof token): Metadata {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token[principal]}`);
  return metadata;
}

const read = (metadata: Metadata, request: object = {}): ReturnType<RpcCaller["call"]> =>
  caller.call("ReadSecret", { name: "A", ...request }, metadata);

/** Waits until the trail says something. */
async function untilWritten(text: string): Promise<void> {
  await expect.poll(() => readFileSync(broker.auditFile, "utf8"), { timeout: 10_000 }).toContain(text);
}

describe("the proof of the audit trail", () => {
  it("stands whatever a caller without a grant calls its options", async () => {
    await start();
    const key = "\u0001".repeat(900_000);
    const denied = await read(as("stranger"), { options: { [key]: 1, other: 2 } });
    expect(denied).toMatchObject({ code: "PERMISSION_DENIED", reason: "POLICY_DENIED" });
    await read(as("operator"));
    await untilWritten('"audit":"checkpoint"');
    const [record = ""] = recordLines(readFileSync(broker.auditFile, "utf8"));
    expect(record.length).toBeLessThan(4_096);
    expect(JSON.parse(record)).toMatchObject({
      principal: "stranger",
      option_keys: [`${key.slice(0, 128)}… 899872 more characters`, "other"],
    });
    const verified = await run(["audit", "verify", "--config", join(broker.directory, "config.yaml")]);
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining("as they were written\n") as string });
    const { response } = await caller.call("VerifyAudit", {}, as("operator"));
    expect(response).toMatchObject({ intact: true, problem: "" });
  });
});
