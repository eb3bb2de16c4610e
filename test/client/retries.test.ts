import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { RetryPolicy } from "../../src/client/calls/retry-policy.js";
import { type ClientOptions, SecretBrokerClient } from "../../src/client/index.js";
import { SecretError, type SecretErrorReason, secretErrorReasons } from "../../src/domain/secret-error.js";
import { freePort } from "../free-port.js";
import { type MapBroker, type MapBrokerOptions, startMapBroker } from "./map-broker.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: MapBrokerOptions = {}): Promise<MapBroker> {
  const broker = await startMapBroker(options);
  cleanups.push(() => {
    broker.stop();
  });
  return broker;
}

function connect(address: string | readonly string[], options: ClientOptions = {}): SecretBrokerClient {
  const client = new SecretBrokerClient(address, { retry: { baseDelayMs: 1, maxDelayMs: 1 }, ...options });
  cleanups.push(() => {
    client.close();
  });
  return client;
}

/** Fails so many times for a reason, and is well then. */
function failing(times: number, reason: SecretErrorReason = "BREAKER_OPEN", retryAfterMs = 1): MapBrokerOptions {
  let failed = 0;
  return {
    before: () => {
      failed += 1;
      if (failed <= times) throw new SecretError(reason, "not now", { retryAfterMs });
    },
  };
}

const text = { name: "key", payload: "value" };

describe("what may be repeated", () => {
  it.each<[string, (client: SecretBrokerClient) => Promise<unknown>]>([
    ["a batch", (client) => client.batchReadSecrets({ reads: [{ name: "key" }] })],
    ["a list", (client) => client.listSecrets()],
    ["a write with an id", (client) => client.writeSecret({ ...text, idempotencyId: "once" })],
    ["a deletion with an id", (client) => client.deleteSecret({ name: "key", idempotencyId: "once" })],
  ])("is tried again: %s", async (_what, call) => {
    const broker = await start(failing(2));
    await call(connect(broker.address));
    expect(broker.requests).toHaveLength(3);
    expect(new Set(broker.requests.map((request) => JSON.stringify(request))).size).toBe(1);
  });

  it.each<[string, (client: SecretBrokerClient) => Promise<unknown>]>([
    ["a write", (client) => client.writeSecret(text)],
    ["a deletion", (client) => client.deleteSecret({ name: "key" })],
    ["a rotation", (client) => client.rotateSecret(text)],
    ["an activation", (client) => client.activateSecretVersion({ name: "key", version: 1 })],
    ["a restoration", (client) => client.restoreSecret({ name: "key" })],
    ["a destruction", (client) => client.destroySecret({ name: "key", version: 1 })],
    ["a virtual key", (client) => client.storeVirtualKey({ alias: "a", key: "k" })],
    ["the rotation of a virtual key", (client) => client.rotateVirtualKey({ alias: "a", key: "k" })],
    ["the deletion of virtual keys", (client) => client.deleteVirtualKeys({ aliases: ["a"] })],
  ])("is not sent twice otherwise: %s", async (_what, call) => {
    const retryable: readonly SecretErrorReason[] = [
      "BREAKER_OPEN",
      "RATE_LIMITED",
      "MANAGER_TIMEOUT",
      "CALL_CANCELLED",
    ];
    for (const reason of retryable) {
      const broker = await start(failing(1, reason));
      const client = connect([broker.address, (await start()).address], { hedgeAfterMs: 1 });
      await expect(call(client)).rejects.toMatchObject({ reason });
      expect(broker.requests).toHaveLength(1);
    }
  });

  it("is not tried again for a reason that does not pass", async () => {
    const final = secretErrorReasons.filter((reason) => /NOT_FOUND|DENIED|INVALID|CORRUPT|DELETED/.test(reason));
    for (const reason of final) {
      const broker = await start(failing(1, reason));
      await expect(connect(broker.address).listSecrets()).rejects.toMatchObject({ reason });
      expect(broker.requests).toHaveLength(1);
    }
  });

  it("is tried only so often", async () => {
    const broker = await start(failing(9));
    await expect(connect(broker.address).listSecrets()).rejects.toMatchObject({ reason: "BREAKER_OPEN" });
    expect(broker.requests).toHaveLength(3);
    await expect(connect(broker.address, { retry: { attempts: 1 } }).listSecrets()).rejects.toThrow("not now");
    expect(broker.requests).toHaveLength(4);
  });

  it("is not tried again when the time is over before the broker wants to be asked", async () => {
    const broker = await start(failing(1, "RATE_LIMITED", 60_000));
    await expect(connect(broker.address).listSecrets()).rejects.toMatchObject({ retryAfterMs: 60_000 });
    expect(broker.requests).toHaveLength(1);
  });

  it("is given up when it is cancelled, or the client is closed, between two attempts", async () => {
    const broker = await start(failing(9, "RATE_LIMITED", 5_000));
    const controller = new AbortController();
    const cancelled = connect(broker.address).listSecrets({}, { signal: controller.signal });
    const client = connect(broker.address);
    const closed = client.listSecrets();
    await expect.poll(() => broker.requests.length).toBe(2);
    controller.abort();
    client.close();
    await expect(cancelled).rejects.toMatchObject({ reason: "CALL_CANCELLED" });
    await expect(closed).rejects.toMatchObject({ reason: "RATE_LIMITED" });
  });

  it("is bounded by a budget that answers refill", () => {
    const policy = new RetryPolicy({}, () => 0.5);
    const failed = new SecretError("BREAKER_OPEN", "not now");
    const retries = Array.from({ length: 100 }, () => policy.delayAfter(failed, 1, 10_000));
    expect(retries.filter((delayMs) => delayMs !== undefined)).toHaveLength(10);
    for (let answers = 0; answers < 11; answers += 1) policy.noteAnswer();
    expect(policy.delayAfter(failed, 1, 10_000)).toBe(50);
    expect(policy.delayAfter(failed, 1, 10_000)).toBeUndefined();
  });

  it("waits at least as long as the broker asks, and longer each time otherwise", () => {
    const policy = new RetryPolicy({ attempts: 9, baseDelayMs: 100, maxDelayMs: 300 }, () => 1);
    const failed = new SecretError("BREAKER_OPEN", "not now");
    expect([1, 2, 3, 4].map((attempt) => policy.delayAfter(failed, attempt, 10_000))).toEqual([100, 200, 300, 300]);
    const asked = new SecretError("RATE_LIMITED", "later", { retryAfterMs: 1_000 });
    expect(policy.delayAfter(asked, 1, 10_000)).toBeGreaterThanOrEqual(1_000);
  });

  it.each([
    { attempts: 0 },
    { attempts: 11 },
    { attempts: 1.5 },
    { baseDelayMs: -1 },
    { baseDelayMs: 9, maxDelayMs: 8 },
  ])("is refused with %j", (retry) => {
    expect(() => new SecretBrokerClient("127.0.0.1:1", { retry })).toThrow(/^retry\./);
  });
});

describe("several brokers", () => {
  it("are tried in their order, and the one that answers is kept", async () => {
    const [gone, first, second] = [await goneBroker(), await start(), await start()];
    const client = connect([gone, first.address, second.address]);
    for (let reads = 0; reads < 3; reads += 1) await client.listSecrets();
    expect([first.requests.length, second.requests.length]).toEqual([3, 0]);
    first.stop();
    for (let reads = 0; reads < 3; reads += 1) await client.listSecrets();
    expect(second.requests).toHaveLength(3);
  });

  it("take over writes too, as nothing is sent to one that cannot be reached", async () => {
    const [gone, alive] = [await goneBroker(), await start()];
    await connect([gone, alive.address]).writeSecret(text);
    expect(alive.requests).toHaveLength(1);
  });

  it("are given up when none can be reached", async () => {
    const client = connect([await goneBroker(), await goneBroker()]);
    await expect(client.listSecrets()).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    await expect(client.writeSecret(text)).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
  });

  it("must be some", () => {
    expect(() => new SecretBrokerClient([])).toThrow("address must name at least one broker");
  });
});

describe("hedging", () => {
  it("asks a second time when an answer is late, and takes the first that comes", async () => {
    let asked = 0;
    const slow = await start({ before: () => (asked++ === 0 ? new Promise(() => undefined) : undefined) });
    const client = connect(slow.address, { hedgeAfterMs: 20 });
    expect(await client.listSecrets()).toMatchObject({ secrets: [] });
    expect(slow.requests).toHaveLength(2);
    await expect.poll(() => slow.cancelled()).toBeGreaterThan(0);
  });

  it.each<[string, (client: SecretBrokerClient) => Promise<unknown>]>([
    ["a write", (client) => client.writeSecret({ ...text, idempotencyId: "once" })],
    ["a deletion", (client) => client.deleteSecret({ name: "key", idempotencyId: "once" })],
  ])("sends %s once, though it could be repeated", async (_what, call) => {
    const slow = await start({ before: () => sleep(100) });
    await call(connect(slow.address, { hedgeAfterMs: 5 }));
    expect(slow.requests).toHaveLength(1);
  });

  it("asks once when the answer comes in time, and never unless it is switched on", async () => {
    const broker = await start();
    await connect(broker.address, { hedgeAfterMs: 5_000 }).listSecrets();
    await connect(broker.address).listSecrets();
    expect(broker.requests).toHaveLength(2);
  });
});

describe("a token", () => {
  it("is read again from its file when the broker refuses it", async () => {
    const directory = await mkdtemp(join(tmpdir(), "token-"));
    cleanups.push(() => rm(directory, { recursive: true }));
    const file = join(directory, "token");
    await writeFile(file, "old\n");
    const broker = await start({
      before: () => {
        const isOld = String(broker.metadata.at(-1)?.get("authorization")) === "Bearer old";
        if (isOld && broker.metadata.length > 1) throw new SecretError("CREDENTIAL_EXPIRED", "too old");
      },
    });
    const client = connect(broker.address, { token: { file } });
    await client.listSecrets();
    await writeFile(file, "new\n");
    await client.listSecrets();
    const sent = broker.metadata.map((metadata) => String(metadata.get("authorization")));
    expect(sent).toEqual(["Bearer old", "Bearer old", "Bearer new"]);
    await writeFile(file, "old\n");
  });

  it("is the one from before while its file is empty or missing, as when it is replaced", async () => {
    const directory = await mkdtemp(join(tmpdir(), "token-"));
    cleanups.push(() => rm(directory, { recursive: true }));
    const file = join(directory, "token");
    await writeFile(file, "\n");
    const broker = await start();
    const client = connect(broker.address, { token: { file } });
    await expect(client.listSecrets()).rejects.toMatchObject({
      reason: "CREDENTIAL_MISSING",
      message: `the file "${file}" given as token is empty`,
    });
    await writeFile(file, "first");
    await client.listSecrets();
    for (const lose of [() => writeFile(file, ""), () => rm(file)]) {
      await lose();
      // Until then it is not looked at.
      await sleep(1_050);
      await client.listSecrets();
    }
    const sent = broker.metadata.map((metadata) => String(metadata.get("authorization")));
    expect(sent).toEqual(["Bearer first", "Bearer first", "Bearer first"]);
  });

  it("is asked for on each call when a function gives it", async () => {
    const tokens = ["one", "two"];
    const broker = await start();
    const client = connect(broker.address, { token: () => Promise.resolve(tokens.shift()) });
    await client.listSecrets();
    await client.listSecrets();
    await client.listSecrets();
    expect(broker.metadata.map((sent) => sent.get("authorization"))).toEqual([["Bearer one"], ["Bearer two"], []]);
  });

  it("that cannot be had fails the call without a word of its own", async () => {
    const broker = await start();
    const missing = connect(broker.address, { token: { file: "/nonexistent/token" } }).listSecrets();
    await expect(missing).rejects.toMatchObject({ reason: "CREDENTIAL_MISSING" });
    const token = (): string => {
      throw new Error("canary");
    };
    await expect(connect(broker.address, { token }).listSecrets()).rejects.toThrow(
      "the function given as token failed",
    );
    expect(broker.requests).toEqual([]);
  });
});

/** Where no broker listens. */
async function goneBroker(): Promise<string> {
  return `127.0.0.1:${String(await freePort())}`;
}
