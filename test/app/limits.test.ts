import { readFileSync } from "node:fs";
import { credentials, type ServiceError } from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import { HealthCheckResponse_ServingStatus, HealthClient } from "../../src/gen/grpc/health/v1/health.js";
import { fromFailedCall } from "../../src/rpc/decode-status.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { recordLines } from "../audit/example-record.js";
import { Watcher } from "../server/watcher.js";
import { RpcCaller } from "./call-rpc.js";

let broker: TestBroker;
let caller: RpcCaller;

async function start(limits: string): Promise<void> {
  broker = await startBroker({
    config: `
secret_broker:
  manager: { kind: memory }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
  limits: ${limits}
`,
  });
  caller = new RpcCaller(broker.address);
}

afterEach(async () => {
  caller.close();
  await broker.stop();
});

const read = { name: "ABSENT" };

describe("a broker with limits", () => {
  it("refuses a flood with the time to wait, answers health, and records a few of those it refused", async () => {
    await start("{ requests_per_second: 50, burst: 20 }");
    const health = new HealthClient(broker.address, credentials.createInsecure());
    const startMs = performance.now();
    const flood = Array.from({ length: 5_000 }, () => caller.call("ReadSecret", read));
    const checked = new Promise((resolve, reject) => {
      health.check({ service: "" }, (error: ServiceError | null, response) => {
        if (error === null) resolve(response.status);
        else reject(error);
      });
    });
    const outcomes = await Promise.all(flood);
    const elapsedS = (performance.now() - startMs) / 1_000;
    expect(await checked).toBe(HealthCheckResponse_ServingStatus.SERVING);
    health.close();
    const served = outcomes.filter(({ reason }) => reason === "SECRET_NOT_FOUND").length;
    expect(served).toBeGreaterThanOrEqual(20);
    expect(served).toBeLessThanOrEqual(20 + Math.ceil(elapsedS * 50));
    const refused = outcomes.filter(({ code, reason }) => code === "RESOURCE_EXHAUSTED" && reason === "RATE_LIMITED");
    expect(new Set(outcomes.map(({ reason }) => reason))).toEqual(new Set(["SECRET_NOT_FOUND", "RATE_LIMITED"]));
    expect(refused.length + served).toBe(5_000);
    for (const { error } of refused) {
      const { retryAfterMs = 0 } = error === undefined ? {} : fromFailedCall(error);
      expect(retryAfterMs).toBeGreaterThan(0);
      expect(retryAfterMs).toBeLessThanOrEqual(20);
    }
    const records = recordLines(readFileSync(broker.auditFile, "utf8")).map(
      (line) => JSON.parse(line) as Readonly<Record<string, unknown>>,
    );
    const ofRefused = records.filter(({ outcome }) => outcome === "RATE_LIMITED");
    expect(records).toHaveLength(served + ofRefused.length);
    expect(ofRefused[0]).toMatchObject({ principal: "local", decision: "deny", rule: "limits", name: "ABSENT" });
    // Twenty at once, then one each five seconds, and one each ten that counts the others.
    expect(ofRefused.length).toBeGreaterThanOrEqual(20);
    expect(ofRefused.length).toBeLessThanOrEqual(20 + Math.ceil(elapsedS));
  });

  it("serves a caller again who waits as told", async () => {
    await start("{ per_principal: { requests_per_second: 5, burst: 1 } }");
    expect(await caller.call("ReadSecret", read)).toMatchObject({ reason: "SECRET_NOT_FOUND" });
    const { error } = await caller.call("ReadSecret", read);
    const { retryAfterMs = 0 } = error === undefined ? {} : fromFailedCall(error);
    await new Promise((resolve) => setTimeout(resolve, retryAfterMs + 1));
    expect(await caller.call("ReadSecret", read)).toMatchObject({ reason: "SECRET_NOT_FOUND" });
  });

  it("bounds watches, and lets another in when one leaves", async () => {
    await start("{ max_watches: 2 }");
    const watchers = [1, 2].map(() => new Watcher(broker.address).subscribe({ names: ["KEY"] }));
    for (const watcher of watchers) await watcher.untilSynced();
    const third = new Watcher(broker.address).subscribe({ names: ["KEY"] });
    expect(await third.end()).toBe("8 RATE_LIMITED");
    await watchers[0]?.leave();
    await expect
      .poll(async () => {
        const next = new Watcher(broker.address).subscribe({ names: ["KEY"] });
        const isIn = await Promise.race([next.untilSynced().then(() => true), next.end().then(() => false)]);
        if (isIn) await next.leave();
        return isIn;
      })
      .toBe(true);
    await watchers[1]?.leave();
  });

  it("bounds the watches of a principal", async () => {
    await start("{ per_principal: { concurrent_watches: 1 } }");
    const watcher = new Watcher(broker.address).subscribe({ names: ["KEY"] });
    await watcher.untilSynced();
    expect(await new Watcher(broker.address).subscribe({ names: ["KEY"] }).end()).toBe("8 RATE_LIMITED");
    await watcher.leave();
  });

  it.each(["{ per_principal: { requests_per_second: 10, burst: 1 } }", "{ requests_per_second: 10, burst: 1 }"])(
    "lets what is asked on a watch wait for the rate, and refuses none of it: %s",
    async (limits) => {
      await start(limits);
      const watcher = new Watcher(broker.address).subscribe({ names: ["KEY"] });
      await watcher.untilSynced();
      const startMs = performance.now();
      for (let turn = 0; turn < 5; turn += 1) {
        watcher.say({ $case: "unsubscribe", value: { names: ["KEY"], prefixes: [] } }).subscribe({ names: ["KEY"] });
      }
      for (let turn = 0; turn < 5; turn += 1) expect(await watcher.untilSynced()).toEqual(["synced"]);
      // Ten messages, the first of which may find a token.
      expect(performance.now() - startMs).toBeGreaterThanOrEqual(900);
      await watcher.leave();
    },
  );

  it("does not count what a watcher says of versions it was sent", async () => {
    await start("{ requests_per_second: 0.01, burst: 2 }");
    const watcher = new Watcher(broker.address);
    for (let turn = 0; turn < 100; turn += 1) watcher.say({ $case: "ack", value: { name: "KEY", version: 1 } });
    watcher.subscribe({ names: ["KEY"] });
    await watcher.untilSynced();
    expect(await caller.call("ReadSecret", read)).toMatchObject({ reason: "SECRET_NOT_FOUND" });
    await watcher.leave();
  });
});
