import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import type { CacheSettings, PrefetchSettings } from "../../../src/broker/cache/cache-settings.js";
import { compilePolicy } from "../../../src/policy/compile-policy.js";
import { startBroker } from "../../../src/testkit/start-broker.js";
import { nameOf, openBroker } from "../open-broker.js";
import { type CachedBroker, down, openCached, ScriptedManager, usual } from "./scripted-manager.js";

function bounds(hostedKeys?: readonly string[]): PrefetchSettings["bounds"] {
  return compilePolicy({ accessMode: "read_and_write", hostedKeys, hostedPrefix: undefined });
}

function prefetching(names: readonly string[], more: Partial<CacheSettings> = {}): Partial<CacheSettings> {
  return { ...more, prefetch: { names, concurrency: 4, bounds: bounds() } };
}

function open(cache: Partial<CacheSettings>): CachedBroker {
  const opened = openCached(cache);
  onTestFinished(() => {
    opened.followed.close();
  });
  return opened;
}

const patience = { timeout: 20_000 };

describe("what is read before anybody asks for it", () => {
  afterEach(() => vi.restoreAllMocks());

  it("is at hand for the first who reads, and only that read is recorded", async () => {
    const { manager, read, sink, metrics } = open(prefetching(["A"]));
    manager.writeSecret("A", "one");
    await expect.poll(() => metrics.cache.entries, patience).toBe(1);
    expect(sink.records).toEqual([]);
    const asked = manager.calls.length;
    expect(await read("A")).toMatchObject({ secret: { payload: "one" }, origin: { servedFrom: "cache" } });
    expect(manager.calls).toHaveLength(asked);
    expect(sink.records).toMatchObject([{ action: "read", principal: "local", name: "A" }]);
    expect(manager.calls[0]?.call.principal).toBe("secret-broker");
  });

  it("is read again and again without a reader, through failures too", async () => {
    const { manager, metrics } = open(prefetching(["A", "B"], { ttlMs: 40 }));
    const times = (wanted: string): number => manager.calls.filter(({ name }) => name === wanted).length;
    manager.writeSecret("A", "one");
    manager.writeSecret("B", "two");
    await expect.poll(() => Math.min(times("A"), times("B")), patience).toBeGreaterThan(3);
    manager.failure = down();
    const failedAt = times("A");
    await expect.poll(() => times("A"), patience).toBeGreaterThan(failedAt);
    manager.failure = undefined;
    manager.writeSecret("A", "newer");
    const backAt = times("A");
    await expect.poll(() => times("A"), patience).toBeGreaterThan(backAt);
    expect(metrics.cache.refreshes).toBeGreaterThan(8);
  });

  it("is read again before its time is over, each at a moment of its own", async () => {
    const waits: number[] = [];
    const original = globalThis.setTimeout;
    vi.spyOn(globalThis, "setTimeout").mockImplementation((run: () => void, waitMs?: number) => {
      waits.push(waitMs ?? 0);
      return original(run, waitMs);
    });
    const names = Array.from({ length: 50 }, (_, index) => `N${String(index)}`);
    const manager = new ScriptedManager();
    for (const name of names) manager.writeSecret(name, "x");
    const ttlMs = 3_600_000;
    const jitter = 0.2;
    const cache = { ...usual, ...prefetching(names, { ttlMs, jitter }) };
    const { followed, metrics } = openBroker(manager, { settings: { cache } });
    await expect.poll(() => metrics.cache.entries, patience).toBe(50);
    followed.close();
    const next = waits.filter((waitMs) => waitMs > ttlMs / 10);
    expect(next).toHaveLength(50);
    // The shortest that an answer may be kept is a fifth less than an hour.
    expect(Math.max(...next)).toBeLessThan(ttlMs * (1 - jitter) * 0.9 + 1);
    expect(new Set(next.map((waitMs) => Math.round(waitMs / 1_000))).size).toBeGreaterThan(25);
  });

  it("is no name that nobody may be given", async () => {
    const manager = new ScriptedManager();
    for (const name of ["A", "B"]) manager.writeSecret(name, "x");
    const prefetch = { names: ["A", "B"], concurrency: 1, bounds: bounds(["B"]) };
    const { followed, metrics } = openBroker(manager, { settings: { cache: { ...usual, prefetch } } });
    onTestFinished(() => {
      followed.close();
    });
    await expect.poll(() => metrics.cache.entries, patience).toBe(1);
    expect(manager.calls.map(({ name }) => name)).toEqual(["B"]);
  });

  it("is read again when it is told to have changed, and no other name is", async () => {
    const { manager, followed, metrics, cache } = open(prefetching(["A", "team/*"], { ttlMs: 3_600_000 }));
    for (const name of ["A", "B", "team/C"]) manager.writeSecret(name, "x");
    cache.drop(nameOf("A"));
    const before = manager.calls.length;
    followed.prefetch.changed(nameOf("A"));
    followed.prefetch.changed(nameOf("B"));
    followed.prefetch.changed(nameOf("team/C"));
    await expect.poll(() => metrics.cache.entries, patience).toBe(2);
    expect(new Set(manager.calls.slice(before).map(({ name }) => name))).toEqual(new Set(["A", "team/C"]));
  });

  it("says that names cannot be listed, and reads those that are written out", async () => {
    const { lines, manager, metrics } = open(prefetching(["team/*", "A"], { ttlMs: 50 }));
    manager.writeSecret("A", "x");
    await expect.poll(() => metrics.cache.entries, patience).toBe(1);
    expect(lines.filter((line) => line.includes("cannot be listed"))).toHaveLength(1);
  });

  it("ends with the broker", async () => {
    const { manager, followed } = open(prefetching(["A"], { ttlMs: 20 }));
    manager.writeSecret("A", "x");
    await expect.poll(() => manager.calls.length, patience).toBeGreaterThan(1);
    followed.close();
    const asked = manager.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(manager.calls).toHaveLength(asked);
  });

  it("is refused where a manager does not say that it tells everyone the same", async () => {
    const config = `
general_settings:
  key_management_system: custom
  key_management_settings: { custom_secret_manager: mine.Mine }
secret_broker:
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  cache: { ttl: 1m, prefetch: [A] }
`;
    const files = { "mine.mjs": "export class Mine { readSecret() { return undefined; } }" };
    await expect(startBroker({ config, files })).rejects.toMatchObject({
      reason: "CONFIG_INVALID",
      message: expect.stringContaining("have it declare supports.sharedReads") as string,
    });
  });
});
