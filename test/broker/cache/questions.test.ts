import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { liveCall } from "../open-broker.js";
import { openCached } from "./scripted-manager.js";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const hour = 3_600_000;

describe("a question that the cache puts", () => {
  it("is part of the trace of one of those who wait for it", async () => {
    const { manager, read } = openCached();
    manager.writeSecret("A", "one");
    manager.isHolding = true;
    const reads = [read("A", {}, liveCall({ traceparent })), read("A")];
    await turn();
    expect(manager.calls.map(({ call }) => call.traceparent)).toEqual([traceparent]);
    manager.release();
    await Promise.all(reads);
  });

  it("is part of the trace of whoever caused it, in the background too, and has the time that managers have", async () => {
    const { manager, time, read } = openCached({ staleWhileRevalidateMs: 30_000, fetchTimeoutMs: 5_000 });
    manager.writeSecret("A", "one");
    await read("A");
    time.advance(10_001);
    manager.isHolding = true;
    const beforeMs = Date.now();
    const { origin } = await read("A", {}, liveCall({ traceparent, deadlineMs: Date.now() + hour }));
    expect(origin.servedFrom).toBe("cache");
    const asked = manager.calls.at(-1)?.call;
    expect(asked?.traceparent).toBe(traceparent);
    expect(asked?.deadline.getTime()).toBeGreaterThanOrEqual(beforeMs + 5_000);
    expect(asked?.deadline.getTime()).toBeLessThanOrEqual(Date.now() + 5_000);
    manager.release();
  });

  it("ends when it is left alone, by the time that managers have and not by its asker's", async () => {
    const { manager, time, read } = openCached({ fetchTimeoutMs: 50 });
    manager.writeSecret("A", "one");
    await read("A");
    time.advance(20_000);
    manager.isHolding = true;
    const { origin } = await read("A", {}, liveCall({ deadlineMs: Date.now() + hour }));
    expect(origin.servedFrom).toBe("stale");
    const signal = manager.calls.at(-1)?.call.signal;
    await expect.poll(() => signal?.aborted, { timeout: 20_000 }).toBe(true);
  });
});
