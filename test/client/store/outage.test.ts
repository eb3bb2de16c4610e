import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { openSecretStore, SecretBrokerClient, type SecretError, type SecretStore } from "../../../src/client/index.js";
import { startBroker, type TestBroker } from "../../../src/testkit/start-broker.js";
import { Relay } from "../../managers/postgres/relay.js";
import { configWith, sqlite } from "./open-store.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(listen?: string): Promise<TestBroker> {
  const broker = await startBroker({
    config: configWith(sqlite),
    ...(listen !== undefined && { listen: [listen] }),
  });
  cleanups.push(() => broker.stop());
  return broker;
}

async function write(broker: TestBroker, payload: string): Promise<void> {
  const client = new SecretBrokerClient(broker.address);
  await client.writeSecret({ name: "A", payload });
  client.close();
}

interface Drill {
  readonly broker: TestBroker;
  readonly relay: Relay;
  readonly store: SecretStore;
  readonly problems: SecretError[];
}

/** A store that reaches its broker through a network that fails when it is told to. */
async function drill(bounds: { maxStalenessMs: number; freshForMs: number }): Promise<Drill> {
  const broker = await start();
  await write(broker, "a1");
  const relay = await Relay.start(Number(broker.address.split(":")[1]));
  cleanups.push(() => relay.stop());
  const problems: SecretError[] = [];
  const store = await openSecretStore({
    address: `127.0.0.1:${String(relay.port)}`,
    secrets: ["A"],
    timeoutMs: 500,
    pollIntervalMs: 200,
    retry: { attempts: 1 },
    onProblem: (problem) => problems.push(problem),
    ...bounds,
  });
  cleanups.push(() => {
    store.close();
  });
  return { broker, relay, store, problems };
}

const patience = { timeout: 15_000 };

describe("an outage of the broker", () => {
  it("is lived through, marked, and over when the broker is back", async () => {
    const { broker, relay, store, problems } = await drill({ maxStalenessMs: 60_000, freshForMs: 300 });
    relay.isSilent = true;
    relay.cut();
    await expect.poll(() => store.answer("A").servedFrom, patience).toBe("stale");
    expect(store.get("A")).toBe("a1");
    expect(await store.read("A")).toMatchObject({ payload: "a1", servedFrom: "stale" });
    await expect(store.read("A", { maxStalenessMs: 0 })).rejects.toMatchObject({ reason: "STALE_TOO_OLD" });
    await expect.poll(() => problems.length, patience).toBeGreaterThan(0);
    await write(broker, "a2");
    relay.isSilent = false;
    relay.cut();
    await expect.poll(() => store.get("A"), patience).toBe("a2");
    await expect.poll(() => store.answer("A").servedFrom, patience).toBe("cache");
  });

  it("past the bound is an error, and never a value", async () => {
    const { relay, store } = await drill({ maxStalenessMs: 700, freshForMs: 300 });
    relay.isSilent = true;
    relay.cut();
    await expect.poll(() => store.has("A"), patience).toBe(false);
    expect(() => store.get("A")).toThrow(expect.objectContaining({ reason: "STALE_TOO_OLD" }));
    relay.isSilent = false;
    relay.cut();
    await expect.poll(() => store.has("A"), patience).toBe(true);
  });

  it("that flaps loses no change", async () => {
    const { broker, relay, store } = await drill({ maxStalenessMs: 60_000, freshForMs: 1_000 });
    for (let round = 2; round < 8; round += 1) {
      relay.cut();
      await write(broker, `a${String(round)}`);
      await expect.poll(() => store.get("A"), patience).toBe(`a${String(round)}`);
    }
  });

  it("of one of two brokers is not noticed by who reads", async () => {
    const [first, second] = [await start(), await start()];
    for (const broker of [first, second]) await write(broker, "same");
    const address = [first.address, second.address];
    const store = await openSecretStore({ address, secrets: ["A"], pollIntervalMs: 200, freshForMs: 2_000 });
    cleanups.push(() => {
      store.close();
    });
    await first.stop();
    await write(second, "new");
    await expect.poll(() => store.get("A"), patience).toBe("new");
    expect(store.answer("A")).toMatchObject({ servedFrom: "cache" });
  });
});

describe("a listener that throws", () => {
  it("is told to the process, and harms nobody else", async () => {
    const broker = await start();
    await write(broker, "a1");
    const store = await openSecretStore({ address: broker.address, secrets: ["A"] });
    cleanups.push(() => {
      store.close();
    });
    const thrown = new Error("of the listener's own");
    store.onChange(() => {
      throw thrown;
    });
    const others = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    const reported = once(process, "uncaughtException");
    await write(broker, "a2");
    expect(await reported).toContain(thrown);
    for (const listener of others) process.on("uncaughtException", listener);
    await expect.poll(() => store.get("A"), patience).toBe("a2");
  });
});
