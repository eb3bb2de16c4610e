import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run } from "../cli/run-in-process.js";
import { RpcCaller } from "../app/call-rpc.js";
import { BrokerProcess } from "./broker-process.js";

let folder: string;
const brokers: BrokerProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "secret-broker-audit-lock-"));
});

afterEach(async () => {
  for (const broker of brokers.splice(0)) await broker.kill();
  rmSync(folder, { recursive: true });
});

/** Starts a broker whose records go to a file of a folder that all share. */
async function start(name: string, audit = "../trail/audit.jsonl"): Promise<BrokerProcess> {
  mkdirSync(join(folder, name), { recursive: true });
  mkdirSync(join(folder, "trail"), { recursive: true });
  writeFileSync(
    join(folder, name, "config.yaml"),
    `secret_broker: { manager: { kind: memory }, admin: { listen: "off" }, audit: { sink: file, path: ${audit}, key: ../audit.key } }`,
  );
  const broker = await BrokerProcess.start(join(folder, name));
  brokers.push(broker);
  return broker;
}

describe("an audit file", () => {
  it("is one broker's at a time, and free once that was killed", async () => {
    const first = await start("first");
    const refusal = new RegExp(
      `the audit file \\S+/trail/audit\\.jsonl is in use by process ${String(first.pid)} on .+, since .+; give each broker a file of its own`,
      "u",
    );
    await expect(start("second")).rejects.toThrow(refusal);
    symlinkSync("trail", join(folder, "elsewhere"));
    await expect(start("third", "../elsewhere/audit.jsonl")).rejects.toThrow(refusal);
    await first.kill();
    await start("second");
    expect(statSync(join(folder, "trail", "audit.jsonl.lock")).mode & 0o777).toBe(0o600);
    const verified = await run(["audit", "verify", "--config", join(folder, "second", "config.yaml")]);
    expect(verified).toMatchObject({ code: 0 });
  });

  it("stays one broker's while another file takes its place", async () => {
    const first = await start("first");
    rmSync(join(folder, "trail", "audit.jsonl"));
    const caller = new RpcCaller(first.address);
    await expect
      .poll(
        async () => {
          await caller.call("ReadSecret", { name: "A" });
          return statSync(join(folder, "trail", "audit.jsonl"), { throwIfNoEntry: false })?.isFile();
        },
        { timeout: 10_000 },
      )
      .toBe(true);
    await expect(start("second")).rejects.toThrow(/is in use by process/u);
    caller.close();
  });

  it("is written all the same where no lock can be made", async () => {
    mkdirSync(join(folder, "trail", "audit.jsonl.lock"), { recursive: true });
    const first = await start("first");
    expect(first.printed).toContain("nothing keeps another broker from this audit file");
    expect(readFileSync(join(folder, "trail", "audit.jsonl"), "utf8")).toContain('"audit":"start"');
  });
});
