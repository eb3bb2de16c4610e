import { describe, expect, it } from "vitest";
import { Administration } from "../../../src/broker/administration.js";
import type { Broker } from "../../../src/broker/broker.js";
import { Freezes } from "../../../src/broker/freezes.js";
import type { SecretManager, WatchEvent } from "../../../src/contract/secret-manager.js";
import { MemorySecretManager } from "../../../src/managers/memory/memory-secret-manager.js";
import { FreezablePolicy } from "../../../src/policy/freezable-policy.js";
import { compilePolicy } from "../../../src/policy/compile-policy.js";
import { liveCall, nameOf, openBroker } from "../open-broker.js";
import { CacheTime, down, openCached, ScriptedManager, usual } from "./scripted-manager.js";

const [A, B] = [nameOf("A"), nameOf("B")];

type Change = (broker: Broker) => Promise<unknown>;

const changes: readonly (readonly [string, Change])[] = [
  ["a write", (broker) => broker.writeSecret(liveCall(), { name: A, payload: "two" })],
  ["a deletion", (broker) => broker.deleteSecret(liveCall(), { name: A, recoveryWindowInDays: 0 })],
  ["a rotation", (broker) => broker.rotateSecret(liveCall(), { name: A, newName: A, payload: "two" })],
  ["a rotation to another name", (broker) => broker.rotateSecret(liveCall(), { name: A, newName: B, payload: "b" })],
  ["an activation", (broker) => broker.activateSecretVersion(liveCall(), { name: A, version: 1 })],
  ["a destruction", (broker) => broker.destroySecret(liveCall(), { name: A, target: { version: 1 } })],
  ["a restoration", (broker) => broker.restoreSecret(liveCall(), { name: A })],
];

/** A manager that can be asked for every kind of change. */
function versatile(): SecretManager {
  const memory = new MemorySecretManager();
  const call = { options: {}, signal: new AbortController().signal, deadline: new Date(), requestId: "r" };
  return Object.assign(memory, {
    destroySecret: (name: string): void => void memory.deleteSecret(name, { recoveryWindowInDays: 0 }, call),
    restoreSecret: (name: string) => {
      memory.writeSecret(name, "restored", {}, call);
      return { name };
    },
  });
}

/** What there is now, as whoever may not be given anything that is kept is told. */
async function truthOf(broker: Broker, version?: number): Promise<unknown> {
  return await broker.readSecret(liveCall(), { name: A, version, maxStalenessMs: 0 }).then(
    ({ secret }) => secret.payload,
    (error: unknown) => String(error),
  );
}

async function toldOf(broker: Broker, version?: number): Promise<unknown> {
  return await broker.readSecret(liveCall(), { name: A, version }).then(
    ({ secret }) => secret.payload,
    (error: unknown) => String(error),
  );
}

describe("through this broker", () => {
  it.each(changes)("%s is seen by the next read, of any version", async (_title, change) => {
    const settings = { cache: { ...usual, negativeTtlMs: 10_000 } };
    const { broker } = openBroker(versatile(), { settings, clock: new CacheTime() });
    await broker.writeSecret(liveCall(), { name: A, payload: "zero" });
    await broker.writeSecret(liveCall(), { name: A, payload: "one" });
    for (const version of [undefined, 1, 2, 3]) await toldOf(broker, version);
    await change(broker);
    for (const version of [undefined, 1, 2, 3])
      expect(await toldOf(broker, version)).toEqual(await truthOf(broker, version));
  });

  it("a secret is seen once it is written, though its absence was remembered", async () => {
    const { broker, read } = openCached({ negativeTtlMs: 10_000 });
    await expect(read("A")).rejects.toThrow("does not exist");
    await broker.writeSecret(liveCall(), { name: A, payload: "one" });
    expect((await read("A")).secret.payload).toBe("one");
  });

  it("a change that failed may have been made, so what was kept is not given either", async () => {
    const { broker, manager, read } = openCached();
    manager.writeSecret("A", "one");
    await read("A");
    Object.assign(manager, {
      writeSecret: () => {
        manager.values.set("A", { value: "two", version: 2 });
        throw down();
      },
    });
    await expect(broker.writeSecret(liveCall(), { name: A, payload: "two" })).rejects.toThrow();
    expect((await read("A")).secret.payload).toBe("two");
  });

  it("what was asked before a change is told to whoever asked then, and not kept", async () => {
    const { broker, manager, read } = openCached();
    manager.writeSecret("A", "one");
    manager.isHolding = true;
    const before = read("A");
    await broker.writeSecret(liveCall(), { name: A, payload: "two" });
    const after = read("A");
    manager.release();
    expect((await before).secret.payload).toBe("one");
    expect((await after).secret.payload).toBe("two");
    expect((await read("A")).secret.payload).toBe("two");
  });
});

describe("a freeze", () => {
  it("is answered once the manager has dropped what it keeps, and says so when it could not", async () => {
    const freezes = new Freezes({ load: () => Promise.resolve(new Map()), save: () => Promise.resolve() });
    const asked: string[] = [];
    const disk = { isFull: false };
    const memory = new MemorySecretManager();
    const forgetSecret = async (name: string): Promise<void> => {
      await Promise.resolve();
      if (disk.isFull) throw new Error("canary: the disk is full");
      asked.push(name);
    };
    const opened = openBroker({ managerName: "keeper", readSecret: (name) => memory.readSecret(name), forgetSecret });
    const { enforcement, watches, cache, guarded } = opened;
    const unused = (): never => {
      throw new Error("not asked for here");
    };
    const administration = new Administration({
      ...{ enforcement, watches, cache, manager: guarded, freezes },
      ...{ status: unused, explain: unused, reload: unused, verifyAudit: unused },
    });
    await administration.freeze(liveCall(), A, "leaked");
    expect(asked).toEqual(["A"]);
    disk.isFull = true;
    await expect(administration.freeze(liveCall(), A, "leaked")).rejects.toMatchObject({
      reason: "MANAGER_UNAVAILABLE",
      message: expect.not.stringContaining("canary") as string,
    });
    expect(freezes.byName.has(A)).toBe(true);
  });

  it("refuses what is kept, drops it, and leaves nothing of it for the end of the freeze", async () => {
    const byName = new Freezes({ load: () => Promise.resolve(new Map()), save: () => Promise.resolve() });
    const bounds = { accessMode: "read_and_write", hostedKeys: undefined, hostedPrefix: undefined } as const;
    const policy = new FreezablePolicy(compilePolicy(bounds), byName.byName);
    const { manager, guarded, read, enforcement, watches, cache, metrics } = openCached({}, { settings: { policy } });
    const unused = (): never => {
      throw new Error("not asked for here");
    };
    const administration = new Administration({
      ...{ enforcement, watches, cache, manager: guarded, freezes: byName },
      ...{ status: unused, explain: unused, reload: unused, verifyAudit: unused },
    });
    manager.writeSecret("A", new Uint8Array([1, 2, 3]));
    await read("A");
    expect(metrics.cache.entries).toBe(1);
    await administration.freeze(liveCall(), A, "leaked");
    expect(metrics.cache).toMatchObject({ entries: 0, bytes: 0 });
    await expect(read("A")).rejects.toMatchObject({ reason: "POLICY_DENIED" });
    expect(manager.calls).toHaveLength(1);
    manager.writeSecret("A", "new");
    await administration.unfreeze(liveCall(), A);
    expect((await read("A")).secret.payload).toBe("new");
  });
});

/** Tells of changes as the test says. */
function telling(): { readonly manager: SecretManager; tell(event: WatchEvent): void; put(value: string): void } {
  const memory = new MemorySecretManager();
  const waiting: ((event: WatchEvent) => void)[] = [];
  const manager: SecretManager = {
    supports: { sharedReads: true },
    readSecret: (name) => memory.readSecret(name),
    async *watchSecrets(_after, { signal }) {
      yield { kind: "synced", revision: 0n };
      while (!signal.aborted) {
        yield await new Promise<WatchEvent>((resolve, reject) => {
          waiting.push(resolve);
          signal.addEventListener("abort", () => reject(new Error("over")), { once: true });
        });
      }
    },
  };
  return {
    manager,
    tell: (event) => waiting.shift()?.(event),
    put: (value) =>
      void memory.writeSecret(
        "A",
        value,
        {},
        { options: {}, signal: new AbortController().signal, deadline: new Date(), requestId: "r" },
      ),
  };
}

describe("what the manager tells of", () => {
  it("is not given from what is kept any more, and only while the cache is in use it is listened to", async () => {
    const { manager, tell, put } = telling();
    const cacheSettings = { ...usual };
    const { broker, followed, metrics } = openBroker(manager, {
      settings: { cache: cacheSettings },
      clock: new CacheTime(),
    });
    const read = async (): Promise<unknown> => (await broker.readSecret(liveCall(), { name: A })).secret.payload;
    put("one");
    expect(await read()).toBe("one");
    put("two");
    expect(await read()).toBe("one");
    tell({ kind: "changed", secret: { name: "A" }, revision: 0n });
    await expect.poll(() => metrics.cache.entries).toBe(0);
    expect(await read()).toBe("two");
    Object.assign(cacheSettings, { ttlMs: 0 });
    followed.adjust();
    expect(metrics.cache.entries).toBe(0);
    put("three");
    expect(await read()).toBe("three");
    followed.close();
  });

  it("after a gap nothing is given without asking, but while the manager fails", async () => {
    const { manager, time, cache, read } = openCached();
    manager.writeSecret("A", "one");
    await read("A");
    time.advance(1);
    cache.allChanged();
    manager.failure = down();
    expect((await read("A")).origin.servedFrom).toBe("stale");
    manager.failure = undefined;
    time.advance(1_000);
    manager.writeSecret("A", "two");
    expect(await read("A")).toMatchObject({ secret: { payload: "two" }, origin: { servedFrom: "manager" } });
    expect((await read("A")).origin.servedFrom).toBe("cache");
  });
});

describe("a manager that keeps answers of another", () => {
  it("has its age and its marks in the answer, and in what is kept of it", async () => {
    const { manager, time, read } = openCached();
    manager.values.set("A", { value: "one", version: 1, ageMs: 4_000, isStale: false });
    expect((await read("A")).origin).toEqual({ servedFrom: "cache", ageMs: 4_000 });
    time.advance(6_000);
    expect((await read("A")).origin).toEqual({ servedFrom: "cache", ageMs: 10_000 });
    expect(manager.calls).toHaveLength(1);
    time.advance(1);
    manager.values.set("A", { value: "one", version: 1, ageMs: 20_000, isStale: true });
    expect((await read("A")).origin).toEqual({ servedFrom: "stale", ageMs: 20_000 });
  });

  it("is believed with the cache off too, and what is older than asked for is refused", async () => {
    const { manager, read } = openCached({ ttlMs: 0, maxStaleMs: 0 });
    manager.values.set("A", Object.freeze({ value: "one", version: 1, ageMs: 4_000 }));
    expect((await read("A")).origin).toEqual({ servedFrom: "cache", ageMs: 4_000 });
    expect((await read("A", { maxStalenessMs: 4_000 })).origin.ageMs).toBe(4_000);
    await expect(read("A", { maxStalenessMs: 3_999 })).rejects.toMatchObject({
      reason: "STALE_TOO_OLD",
      metadata: { age_ms: "4000", max_age_ms: "3999" },
    });
    expect(manager.calls.map(({ call }) => call.maxStalenessMs)).toEqual([undefined, 4_000, 3_999]);
  });

  it.each([
    ["older than max_stale", 60_000, { ageMs: 60_001, isStale: true }],
    ["older than max_stale, though that one calls it fresh", 60_000, { ageMs: 60_001, isStale: false }],
    ["stale, where nothing stale is given", 0, { ageMs: 1, isStale: true }],
  ])("is refused what is %s, whatever it is asked", async (_what, maxStaleMs, facts) => {
    const { manager, read, metrics } = openCached({ maxStaleMs });
    manager.values.set("A", { value: "one", version: 1, ...facts });
    for (const request of [{}, { maxStalenessMs: 80_000 }]) {
      await expect(read("A", request)).rejects.toMatchObject({
        reason: "STALE_TOO_OLD",
        metadata: { age_ms: String(facts.ageMs), max_age_ms: String(maxStaleMs) },
      });
    }
    await expect(read("A", { version: 1 })).rejects.toMatchObject({ reason: "STALE_TOO_OLD" });
    expect(metrics.cache.entries).toBe(0);
  });

  it("is outdone by what is kept here and newer", async () => {
    const { manager, time, read } = openCached();
    manager.values.set("A", { value: "one", version: 1 });
    await read("A");
    time.advance(20_000);
    manager.values.set("A", { value: "old", version: 1, ageMs: 70_000, isStale: true });
    expect(await read("A")).toMatchObject({
      secret: { payload: "one" },
      origin: { servedFrom: "stale", ageMs: 20_000 },
    });
  });

  it("gives what was stale already no longer once nothing stale is given", async () => {
    const cacheSettings = { ...usual };
    const manager = new ScriptedManager();
    const { broker } = openBroker(manager, { settings: { cache: cacheSettings }, clock: new CacheTime() });
    manager.values.set("A", { value: "one", version: 1, ageMs: 1_000, isStale: true });
    const read = async (): Promise<unknown> => (await broker.readSecret(liveCall(), { name: A })).origin.servedFrom;
    expect(await read()).toBe("stale");
    Object.assign(cacheSettings, { maxStaleMs: 0 });
    await expect(read()).rejects.toMatchObject({ reason: "STALE_TOO_OLD" });
  });

  it.each([
    [{ ageMs: -1 }, "its ageMs must be a number from 0"],
    [{ ageMs: NaN }, "its ageMs must be a number from 0"],
    [{ ageMs: "4" }, "not a string"],
    [{ ageMs: Infinity }, "its ageMs must be a number from 0"],
    [{ isStale: true }, "its isStale must come with an ageMs"],
    [{ ageMs: 1, isStale: "yes" }, "its isStale must be a boolean"],
  ])("with %j gives an invalid reply", async (facts, rule) => {
    const { manager, read } = openCached();
    manager.values.set("A", { value: "one", ...(facts as object) });
    await expect(read("A")).rejects.toMatchObject({ reason: "MANAGER_REPLY_INVALID" });
    await expect(read("A")).rejects.toThrow(rule);
  });
});
