import { readFile } from "node:fs/promises";
import { afterEach, describe, expect, it } from "vitest";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { RpcCaller } from "./call-rpc.js";

const slowClass = `
import { setTimeout as wait } from "node:timers/promises";
export class Slow {
  readSecret(name, { signal }) {
    if (name === "HANGS") return new Promise(() => {});
    if (name === "STOPS") return new Promise((_, reject) => signal.addEventListener("abort", () => { globalThis.stopped = true; reject(signal.reason); }));
    if (name === "TOLD") return String(globalThis.stopped);
    return wait(300, "slowly");
  }
}
`;

function configOf(drain: string): string {
  return `
general_settings:
  key_management_system: custom
  key_management_settings: { custom_secret_manager: slow.Slow }
secret_broker:
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  timeouts: { default_deadline: 500ms, drain: ${drain} }
  log: { level: error }
`;
}

describe("a manager that takes its time", () => {
  let broker: TestBroker | undefined;

  afterEach(async () => {
    await broker?.stop();
  });

  async function start(drain: string): Promise<RpcCaller> {
    broker = await startBroker({ config: configOf(drain), files: { "slow.mjs": slowClass } });
    return new RpcCaller(broker.address);
  }

  it("is given up at the default deadline, with the reason, and is told to stop", async () => {
    const caller = await start("1s");
    const late = { code: "DEADLINE_EXCEEDED", reason: "MANAGER_TIMEOUT" };
    expect(await caller.call("ReadSecret", { name: "HANGS" })).toMatchObject(late);
    expect(await caller.call("ReadSecret", { name: "STOPS" })).toMatchObject(late);
    const told = await caller.call("ReadSecret", { name: "TOLD" });
    expect(told.response).toMatchObject({ secret: { payload: { value: "true" } } });
    const audit = await readFile(broker?.auditFile ?? "", "utf8");
    expect(audit.match(/"outcome":"MANAGER_TIMEOUT"/gu)).toHaveLength(2);
    caller.close();
  });

  it("may finish its calls when the broker stops, while new ones are refused", async () => {
    const caller = await start("5s");
    const underWay = caller.call("ReadSecret", { name: "SLOW" });
    await caller.call("ReadSecret", { name: "TOLD" });
    const stopped = broker?.stop();
    expect(await underWay).toMatchObject({ code: "OK" });
    await stopped;
    expect(await caller.call("ReadSecret", { name: "TOLD" })).toMatchObject({ code: "UNAVAILABLE" });
    caller.close();
  });

  it("does not hold up a stop beyond the time to drain", async () => {
    const caller = await start("0s");
    const underWay = caller.call("ReadSecret", { name: "HANGS" });
    await caller.call("ReadSecret", { name: "TOLD" });
    await broker?.stop();
    expect((await underWay).code).not.toBe("OK");
    caller.close();
  });
});
