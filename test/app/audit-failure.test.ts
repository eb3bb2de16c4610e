import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { RpcCaller } from "./call-rpc.js";

const config = `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: { kind: memory }
  admin: { listen: "127.0.0.1:0" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
`;

async function readiness(broker: TestBroker): Promise<number> {
  return (await fetch(`http://${broker.adminAddress ?? ""}/readyz`)).status;
}

/** Waits for something to become true, as long as a test may take. */
async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await wait(50);
}

describe("a broker whose audit trail cannot be written", () => {
  let broker: TestBroker | undefined;

  afterEach(async () => {
    await broker?.stop();
  });

  it("answers AUDIT_UNAVAILABLE from the start on a full device", async () => {
    broker = await startBroker({ config: config.replace("audit.jsonl", "/dev/full") });
    const started = broker;
    const caller = new RpcCaller(started.address);
    const read = { name: "KEY" };
    expect(await caller.call("ReadSecret", read)).toMatchObject({ code: "UNAVAILABLE", reason: "AUDIT_UNAVAILABLE" });
    await until(async () => (await readiness(started)) === 503);
    const write = { name: "KEY", payload: { $case: "text", value: "placeholder" } };
    expect(await caller.call("WriteSecret", write)).toMatchObject({ reason: "AUDIT_UNAVAILABLE" });
    caller.close();
  });
});
