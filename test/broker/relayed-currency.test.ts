import { describe, expect, it, onTestFinished } from "vitest";
import { Call } from "../../src/broker/call.js";
import type { WatchMessage } from "../../src/broker/watch/watch-messages.js";
import type { ManagerCall } from "../../src/contract/manager-call.js";
import type { ReadReply, SecretManager, WatchEvent } from "../../src/contract/secret-manager.js";
import { nameOf, openBroker, type OpenBrokerOptions } from "./open-broker.js";

/** A manager that tells what the test says, until that breaks it off. */
class RelayingManager implements SecretManager {
  /** How often it was asked to tell. */
  begun = 0;
  #next = Promise.withResolvers<WatchEvent>();
  #told: Promise<WatchEvent>[] = [];

  readSecret(): ReadReply {
    return { value: "one", version: 1 };
  }

  async *watchSecrets(_after: bigint | undefined, { signal }: ManagerCall): AsyncGenerator<WatchEvent> {
    this.begun += 1;
    this.#next = Promise.withResolvers<WatchEvent>();
    this.#told = [this.#next.promise];
    signal.addEventListener("abort", () => {
      this.break();
    });
    for (let next = this.#told.shift(); next !== undefined; next = this.#told.shift()) yield await next;
  }

  tell(event: WatchEvent): void {
    const { resolve } = this.#next;
    this.#next = Promise.withResolvers<WatchEvent>();
    this.#told.push(this.#next.promise);
    resolve(event);
  }

  break(): void {
    this.#next.promise.catch(() => undefined);
    this.#next.reject(new Error("gone"));
  }
}

const synced = (revision: bigint): WatchEvent => ({ kind: "synced", revision });

describe("a manager that hears of changes from another", () => {
  const current = (asOfMs: number): WatchEvent => ({ kind: "current", asOf: new Date(asOfMs), revision: 5n });
  const often: OpenBrokerOptions = {
    settings: { watch: { heartbeatMs: 20, pollIntervalMs: 1_000, readTimeoutMs: 5_000, concurrency: 4 } },
  };

  interface Relayed {
    readonly manager: RelayingManager;
    readonly messages: readonly WatchMessage[];
    subscribe(name: string): Promise<void>;
    /** The time that the newest heartbeat names, once there are more than there were. */
    named(): Promise<number>;
  }

  async function relayed(...told: readonly WatchEvent[]): Promise<Relayed> {
    const manager = new RelayingManager();
    const { broker, watches } = openBroker(manager, often);
    const messages: WatchMessage[] = [];
    const caller = { principal: "watcher", groups: [], provenBy: "none", peer: "unix" } as const;
    const call = new Call({ caller, requestId: "w", deadlineMs: Infinity });
    const open = broker.watchSecrets(call, (message) => {
      messages.push(message);
      return Promise.resolve();
    });
    const ended = open.run().catch(() => undefined);
    onTestFinished(async () => {
      watches.close();
      await ended;
    });
    const subscribe = (name: string): Promise<void> =>
      open.watch.subscribe({ names: [nameOf(name)], prefixes: [], known: new Map(), resumeRevision: 0n });
    await expect.poll(() => manager.begun).toBe(1);
    for (const event of told) manager.tell(event);
    await subscribe("A");
    const beats = (): number[] =>
      messages.flatMap((message) => (message.kind === "heartbeat" ? [message.currentAtMs] : []));
    const named = async (): Promise<number> => {
      const before = beats().length;
      await expect.poll(() => beats().length).toBeGreaterThan(before + 1);
      return beats().at(-1) ?? NaN;
    };
    return { manager, messages, subscribe, named };
  }

  it("says how current it is, and heartbeats say no more", async () => {
    const { manager, named, messages } = await relayed(current(0), {
      kind: "synced",
      revision: 5n,
      pollIntervalMs: 700,
    });
    expect(messages.find(({ kind }) => kind === "synced")).toMatchObject({ pollIntervalMs: 700 });
    const soonMs = Date.now() + 1;
    await expect.poll(() => Date.now()).toBeGreaterThan(soonMs);
    manager.tell(current(soonMs));
    await expect.poll(named).toBe(soonMs);
    expect(await named()).toBe(soonMs);
    manager.tell(current(Date.now() + 600_000));
    await expect.poll(named).toBeGreaterThan(soonMs);
    expect(await named()).toBeLessThanOrEqual(Date.now());
  });

  it("is held to that while its stream is gone, and says it anew with the next", async () => {
    const { manager, named } = await relayed(synced(0n));
    const saidMs = Date.now();
    manager.tell(current(saidMs));
    await expect.poll(named).toBe(saidMs);
    manager.break();
    await expect.poll(() => manager.begun).toBe(2);
    expect(await named()).toBe(saidMs);
    // Nothing is said on this stream yet, so it is current as it is open.
    manager.tell(synced(0n));
    await expect.poll(named).toBeGreaterThan(saidMs);
  });

  it("is not quoted with a time from before a watcher subscribed, which would tell that one too much", async () => {
    const { manager, named, subscribe } = await relayed(current(Date.now()), synced(0n));
    const firstMs = Date.now();
    manager.tell(current(firstMs));
    await expect.poll(named).toBe(firstMs);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await subscribe("B");
    manager.tell(current(firstMs + 10));
    await named();
    expect(await named()).toBe(firstMs);
    const laterMs = Date.now();
    manager.tell(current(laterMs));
    await expect.poll(named).toBe(laterMs);
  });
});
