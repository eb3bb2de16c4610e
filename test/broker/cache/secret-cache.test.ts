import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Call } from "../../../src/broker/call.js";
import { SecretError } from "../../../src/domain/secret-error.js";
import { liveCall, nameOf, shortCall } from "../open-broker.js";
import { down, openCached, usual } from "./scripted-manager.js";

const A = nameOf("A");
const asked = { servedFrom: "manager", ageMs: undefined };

describe("what is kept", () => {
  it("is given again until its time is over, with its age", async () => {
    const { manager, time, read } = openCached();
    manager.writeSecret("A", "one");
    expect((await read("A")).origin).toEqual(asked);
    time.advance(10_000);
    expect(await read("A")).toMatchObject({
      secret: { payload: "one" },
      origin: { servedFrom: "cache", ageMs: 10_000 },
    });
    expect(manager.calls).toHaveLength(1);
    time.advance(1);
    manager.writeSecret("A", "two");
    expect(await read("A")).toMatchObject({ secret: { payload: "two" }, origin: asked });
  });

  it("is nothing while the time to live is 0", async () => {
    const { manager, read, metrics } = openCached({ ttlMs: 0 });
    manager.writeSecret("A", "one");
    for (let count = 0; count < 3; count += 1) expect((await read("A")).origin).toEqual(asked);
    expect(manager.calls).toHaveLength(3);
    expect(metrics.cache).toMatchObject({ entries: 0, hits: 0, misses: 0 });
  });

  it.each([
    [0, "manager"],
    [4_999, "manager"],
    [5_000, "cache"],
    [60_000, "cache"],
  ])("with a bound of %d ms and an age of five seconds comes from the %s", async (maxStalenessMs, servedFrom) => {
    const { manager, time, read } = openCached();
    manager.writeSecret("A", "one");
    await read("A");
    time.advance(5_000);
    expect((await read("A", { maxStalenessMs })).origin.servedFrom).toBe(servedFrom);
    // Who says nothing is held to what is configured.
    expect(manager.calls.at(-1)?.call.maxStalenessMs).toBe(
      servedFrom === "manager" ? maxStalenessMs : usual.maxStaleMs,
    );
  });

  it("is never a version that has expired", async () => {
    const { manager, time, read } = openCached();
    manager.values.set("A", { value: "one", version: 1, expireTime: new Date(time.wallMs() + 1_000) });
    await read("A");
    time.advance(999);
    expect((await read("A")).origin.servedFrom).toBe("cache");
    time.advance(1);
    manager.failure = down();
    await expect(read("A")).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
  });

  it("is one field of it when a field is asked for", async () => {
    const { manager, read } = openCached();
    manager.writeSecret("A", '{"user":"u","password":"p"}');
    await read("A");
    expect((await read("A", { field: "user" })).secret.payload).toBe("u");
    expect((await read("A", { field: "password" })).secret.payload).toBe("p");
    await expect(read("A", { field: "other" })).rejects.toMatchObject({ reason: "FIELD_NOT_FOUND" });
    expect(manager.calls).toHaveLength(1);
  });

  it("is a version by its number, and that there is none of another", async () => {
    const { manager, read } = openCached({ negativeTtlMs: 1_000 });
    manager.writeSecret("A", "one");
    for (let count = 0; count < 2; count += 1) {
      expect((await read("A", { version: 1 })).secret.payload).toBe("one");
      await expect(read("A", { version: 2 })).rejects.toMatchObject({ reason: "VERSION_NOT_FOUND" });
      await expect(read("B", { version: 2 })).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
    }
    expect(manager.calls).toHaveLength(5);
  });

  it("that a secret is not there is asked again each time, unless it is to be remembered", async () => {
    const always = openCached();
    for (let count = 0; count < 2; count += 1) await expect(always.read("A")).rejects.toThrow("does not exist");
    expect(always.manager.calls).toHaveLength(2);
    const { manager, time, read } = openCached({ negativeTtlMs: 1_000 });
    for (let count = 0; count < 2; count += 1) await expect(read("A")).rejects.toThrow("does not exist");
    expect(manager.calls).toHaveLength(1);
    time.advance(1_001);
    manager.failure = down();
    await expect(read("A")).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
  });

  it("is copied for each reader where it is bytes, and wiped when it goes", async () => {
    const { manager, read, cache } = openCached();
    manager.writeSecret("A", new Uint8Array([1, 2, 3]));
    const first = await read("A");
    const second = await read("A");
    cache.drop(A);
    expect(first.secret.payload).toEqual(new Uint8Array([1, 2, 3]));
    expect(second.secret.payload).toEqual(new Uint8Array([1, 2, 3]));
    expect(second.origin.servedFrom).toBe("cache");
  });

  it("makes room for what is newer, within its bytes", async () => {
    const { manager, read, metrics } = openCached({ maxBytes: 64 * 1024 });
    for (let index = 0; index < 300; index += 1) {
      manager.writeSecret(`N${String(index)}`, "x".repeat(100));
      await read(`N${String(index)}`);
      await read("N0");
      expect(metrics.cache.bytes).toBeLessThanOrEqual(64 * 1024);
    }
    expect(metrics.cache.evictions).toBeGreaterThan(200);
    expect((await read("N0")).origin.servedFrom).toBe("cache");
    expect((await read("N1")).origin.servedFrom).toBe("manager");
    manager.writeSecret("HUGE", "x".repeat(64 * 1024));
    await read("HUGE");
    expect((await read("HUGE")).origin.servedFrom).toBe("manager");
    expect((await read("N0")).origin.servedFrom).toBe("cache");
  });
});

describe("in the background", () => {
  it("is asked once after its time, while the old answer is still given", async () => {
    const { manager, time, read } = openCached({ staleWhileRevalidateMs: 5_000 });
    manager.writeSecret("A", "one");
    await read("A");
    time.advance(12_000);
    manager.writeSecret("A", "two");
    manager.isHolding = true;
    for (let count = 0; count < 5; count += 1) {
      expect(await read("A")).toMatchObject({
        secret: { payload: "one" },
        origin: { servedFrom: "cache", ageMs: 12_000 },
      });
    }
    expect(manager.calls).toHaveLength(2);
    manager.release();
    await turn();
    expect(await read("A")).toMatchObject({ secret: { payload: "two" }, origin: { servedFrom: "cache" } });
  });

  it("is asked before its time is over, where that is wanted", async () => {
    const { manager, time, read } = openCached({ refreshAheadMs: 2_000 });
    manager.writeSecret("A", "one");
    await read("A");
    time.advance(8_000);
    await read("A");
    expect(manager.calls).toHaveLength(1);
    time.advance(1);
    await read("A");
    expect(manager.calls).toHaveLength(2);
    expect((await read("A")).origin.ageMs).toBe(0);
  });

  it("marks what it gives once that has failed", async () => {
    const { manager, time, read } = openCached({ staleWhileRevalidateMs: 5_000 });
    manager.writeSecret("A", "one");
    await read("A");
    time.advance(11_000);
    manager.failure = down();
    expect((await read("A")).origin.servedFrom).toBe("cache");
    expect((await read("A")).origin).toEqual({ servedFrom: "stale", ageMs: 11_000 });
    expect(manager.calls).toHaveLength(2);
  });
});

describe("while the manager fails", () => {
  it("is given up to its bound, marked, and then refused with its age", async () => {
    const { manager, time, read } = openCached();
    manager.writeSecret("A", "one");
    await read("A");
    manager.failure = down();
    time.advance(60_000);
    expect(await read("A")).toMatchObject({
      secret: { payload: "one" },
      origin: { servedFrom: "stale", ageMs: 60_000 },
    });
    time.advance(1);
    await expect(read("A")).rejects.toMatchObject({
      reason: "STALE_TOO_OLD",
      metadata: { name: "A", age_ms: "60001", max_age_ms: "60000" },
    });
    manager.failure = undefined;
    expect((await read("A")).origin).toEqual(asked);
  });

  it("is refused beyond the caller's own bound, and the failure itself is told who wants the truth of now", async () => {
    const { manager, time, read } = openCached();
    manager.writeSecret("A", "one");
    await read("A");
    manager.failure = down();
    time.advance(20_000);
    await expect(read("A", { maxStalenessMs: 19_999 })).rejects.toMatchObject({ reason: "STALE_TOO_OLD" });
    await expect(read("A", { maxStalenessMs: 0 })).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    expect((await read("A", { maxStalenessMs: 20_000 })).origin.servedFrom).toBe("stale");
  });

  it.each(["SECRET_DELETED", "SECRET_NOT_FOUND", "PAYLOAD_CORRUPT"] as const)(
    "%s is an answer, and ends what was kept",
    async (reason) => {
      const { manager, time, read } = openCached();
      manager.writeSecret("A", "one");
      await read("A");
      time.advance(20_000);
      manager.failure = new SecretError(reason, "x");
      await expect(read("A")).rejects.toMatchObject({ reason });
      manager.failure = down();
      await expect(read("A")).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    },
  );

  it("an invalid reply is told and not covered up", async () => {
    const { manager, time, read } = openCached();
    manager.writeSecret("A", "one");
    await read("A");
    time.advance(20_000);
    manager.values.set("A", { value: 7 as unknown as string });
    await expect(read("A")).rejects.toMatchObject({ reason: "MANAGER_REPLY_INVALID" });
  });

  it("a manager that hangs is not waited for to the end of a call that can be answered", async () => {
    const { manager, time, read } = openCached();
    manager.writeSecret("A", "one");
    await read("A");
    time.advance(20_000);
    manager.isHolding = true;
    const call = liveCall({ deadlineMs: Date.now() + 300 });
    expect((await read("A", {}, call)).origin).toEqual({ servedFrom: "stale", ageMs: 20_000 });
    // It has just failed to answer, so nobody waits for it again so soon.
    expect((await read("A", {}, shortCall())).origin.servedFrom).toBe("stale");
    manager.values.set("A", { value: "two", version: 2 });
    expect(manager.calls.at(-1)?.call.signal.aborted).toBe(false);
    manager.release();
    await turn();
    expect((await read("A")).secret.payload).toBe("one");
  });
});

describe("several who ask at once", () => {
  it("are answered by one question, each with a decision and a record of its own", async () => {
    const { manager, sink, read, metrics } = openCached();
    manager.writeSecret("A", "one");
    manager.isHolding = true;
    const calls = Array.from({ length: 5 }, (_, index) => liveCall({ requestId: `request-${String(index)}` }));
    const reads = calls.map((call) => read("A", {}, call));
    await turn();
    expect(manager.calls).toHaveLength(1);
    manager.release();
    const results = await Promise.all(reads);
    expect(results.map(({ secret }) => secret.payload)).toEqual(Array.from({ length: 5 }, () => "one"));
    expect(results.map(({ origin }) => origin.servedFrom)).toEqual(["manager", "cache", "cache", "cache", "cache"]);
    expect(new Set(sink.records.map(({ request_id }) => request_id)).size).toBe(5);
    expect(metrics.cache).toMatchObject({ misses: 1, joined: 4 });
  });

  it("each keep their own end, and the question goes on as long as one waits", async () => {
    const { manager, read } = openCached();
    manager.writeSecret("A", "one");
    manager.isHolding = true;
    const [first, second, third] = [liveCall(), liveCall(), shortCall(20)];
    const [a, b, c] = [first, second, third].map((call) => read("A", {}, call));
    const signal = manager.calls[0]?.call.signal;
    await expect(c).rejects.toMatchObject({ reason: "MANAGER_TIMEOUT" });
    first.cancel();
    await expect(a).rejects.toMatchObject({ reason: "CALL_CANCELLED" });
    expect(signal?.aborted).toBe(false);
    manager.release();
    expect((await b)?.secret.payload).toBe("one");
  });

  it("give the question up when the last of them leaves, and whoever comes then asks anew", async () => {
    const { manager, read } = openCached();
    manager.writeSecret("A", "one");
    manager.isHolding = true;
    const calls = [liveCall(), liveCall()];
    const reads = calls.map((call) => read("A", {}, call));
    for (const call of calls) call.cancel();
    const late = read("A");
    for (const each of reads) await expect(each).rejects.toMatchObject({ reason: "CALL_CANCELLED" });
    await turn();
    expect(manager.calls[0]?.call.signal.aborted).toBe(manager.calls.length > 1);
    manager.release();
    expect((await late).secret.payload).toBe("one");
  });

  it("who want the truth of now each ask for it", async () => {
    const { manager, read } = openCached();
    manager.writeSecret("A", "one");
    manager.isHolding = true;
    const reads = [read("A"), read("A", { maxStalenessMs: 0 }), read("A", { maxStalenessMs: 0 })];
    await turn();
    expect(manager.calls).toHaveLength(3);
    manager.release();
    for (const each of reads) expect((await each).secret.payload).toBe("one");
  });

  it("ask for themselves when the answer they waited for has become too old", async () => {
    const { manager, time, read } = openCached();
    manager.writeSecret("A", "one");
    manager.isHolding = true;
    const reads = [read("A"), read("A", { maxStalenessMs: 1_000 })];
    await turn();
    time.advance(1_001);
    manager.release();
    expect((await Promise.all(reads)).map(({ origin }) => origin.servedFrom)).toEqual(["manager", "manager"]);
    expect(manager.calls).toHaveLength(2);
  });

  it("all hear of a failure", async () => {
    const { manager, read } = openCached();
    manager.isHolding = true;
    const reads = [read("A"), read("A"), read("A")];
    manager.release();
    for (const each of reads) await expect(each).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
  });

  it("are not held to the deadline of the first", async () => {
    const { manager, read } = openCached();
    manager.writeSecret("A", "one");
    manager.isHolding = true;
    const first = read("A", {}, shortCall(20));
    const second = read("A", {}, new Call(liveCall()));
    await expect(first).rejects.toMatchObject({ reason: "MANAGER_TIMEOUT" });
    manager.release();
    expect((await second).secret.payload).toBe("one");
  });
});
