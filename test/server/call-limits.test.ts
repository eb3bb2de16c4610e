import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CallLimits, type CallLimitSettings } from "../../src/server/call-limits.js";

const open: CallLimitSettings = {
  rate: undefined,
  concurrentCalls: 1_000,
  watches: 1_000,
  perPrincipal: {},
  byPrincipal: new Map(),
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Lets calls in until one is refused; how many were, and why the next was not. */
function enterAll(limits: CallLimits, principal = "p"): { entered: number; retryAfterMs: unknown; message: string } {
  for (let entered = 0; entered < 10_000; entered += 1) {
    try {
      limits.enter(principal, "call");
    } catch (error) {
      expect(error).toMatchObject({ reason: "RATE_LIMITED" });
      const { retryAfterMs, message } = error as { retryAfterMs: unknown; message: string };
      return { entered, retryAfterMs, message };
    }
  }
  return { entered: Infinity, retryAfterMs: undefined, message: "" };
}

function leave(limits: CallLimits, calls: number, principal = "p"): void {
  for (let left = 0; left < calls; left += 1) limits.leave(principal, "call");
}

describe("CallLimits", () => {
  it("bounds calls and watches at once, each apart", () => {
    const limits = new CallLimits(() => ({ ...open, concurrentCalls: 3, watches: 1 }));
    expect(enterAll(limits).entered).toBe(3);
    limits.enter("p", "watch");
    expect(() => {
      limits.enter("q", "watch");
    }).toThrow("too many calls at once");
    leave(limits, 2);
    expect(enterAll(limits).entered).toBe(2);
    limits.leave("p", "watch");
    limits.enter("q", "watch");
  });

  it("lets a burst through, then as many as the rate allows, and says how long to wait", () => {
    const settings = { ...open, concurrentCalls: Infinity, rate: { perSecond: 10, burst: 4 } };
    const limits = new CallLimits(() => settings);
    expect(enterAll(limits)).toMatchObject({ entered: 4, retryAfterMs: 100 });
    vi.advanceTimersByTime(99);
    expect(enterAll(limits)).toMatchObject({ entered: 0, retryAfterMs: 1 });
    vi.advanceTimersByTime(1);
    expect(enterAll(limits).entered).toBe(1);
    vi.advanceTimersByTime(3_600_000);
    expect(enterAll(limits).entered).toBe(4);
  });

  it("does not let a principal beyond its share use up what is there for all", () => {
    const settings: CallLimitSettings = {
      ...{ ...open, rate: { perSecond: 1, burst: 10 } },
      perPrincipal: { rate: { perSecond: 1, burst: 3 } },
    };
    const limits = new CallLimits(() => settings);
    for (let tries = 0; tries < 50; tries += 1) enterAll(limits, "greedy");
    expect(enterAll(limits, "other").entered).toBe(3);
  });

  it("gives each principal its share, and some another one", () => {
    const settings: CallLimitSettings = {
      ...open,
      perPrincipal: { rate: { perSecond: 1, burst: 2 }, concurrentCalls: 5 },
      byPrincipal: new Map([["big", { concurrentCalls: 7 }]]),
    };
    const limits = new CallLimits(() => settings);
    expect(enterAll(limits, "a")).toMatchObject({ entered: 2, message: "too many calls a second from this caller" });
    expect(enterAll(limits, "b").entered).toBe(2);
    expect(enterAll(limits, "big")).toMatchObject({ entered: 7, message: "too many calls at once from this caller" });
    leave(limits, 7, "big");
    expect(enterAll(limits, "big").entered).toBe(7);
  });

  it("takes what a refused call would have used from nobody", () => {
    const settings = { ...open, perPrincipal: { concurrentCalls: 1 }, concurrentCalls: 2 };
    const limits = new CallLimits(() => settings);
    for (let turn = 0; turn < 100; turn += 1) expect(enterAll(limits, "a").entered).toBe(turn === 0 ? 1 : 0);
    expect(enterAll(limits, "b").entered).toBe(1);
    leave(limits, 1, "a");
    leave(limits, 1, "b");
    expect(enterAll(limits, "c").entered).toBe(1);
    expect(enterAll(limits, "a").entered).toBe(1);
  });

  it("puts changed settings in force at once, with what is under way", () => {
    let settings: CallLimitSettings = { ...open, perPrincipal: { concurrentCalls: 5 } };
    const limits = new CallLimits(() => settings);
    expect(enterAll(limits).entered).toBe(5);
    settings = { ...open, perPrincipal: { concurrentCalls: 7 } };
    expect(enterAll(limits).entered).toBe(2);
    settings = { ...open, perPrincipal: {} };
    expect(enterAll(limits).entered).toBe(993);
  });

  it("forgets principals that have nothing under way rather than growing", () => {
    const settings = { ...open, concurrentCalls: Infinity, perPrincipal: { concurrentCalls: 1 } };
    const limits = new CallLimits(() => settings);
    limits.enter("held", "call");
    for (let index = 0; index < 30_000; index += 1) {
      limits.enter(`p${String(index)}`, "call");
      limits.leave(`p${String(index)}`, "call");
    }
    expect(enterAll(limits, "held").entered).toBe(0);
  });
});
