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

  it("bounds the watches of each principal, also those that were open before the bound", () => {
    let settings: CallLimitSettings = open;
    const limits = new CallLimits(() => settings);
    const watch = (principal: string) => (): void => {
      limits.enter(principal, "watch");
    };
    watch("a")();
    settings = { ...open, perPrincipal: { concurrentWatches: 2 }, byPrincipal: new Map([["b", {}]]) };
    watch("a")();
    expect(watch("a")).toThrow("too many watches at once from this caller");
    for (let turn = 0; turn < 5; turn += 1) watch("b")();
    limits.leave("a", "watch");
    watch("a")();
    expect(watch("a")).toThrow("too many watches at once from this caller");
  });
});

describe("what is said on a watch", () => {
  beforeEach(() => {
    vi.useRealTimers();
    vi.useFakeTimers();
  });

  const settings: CallLimitSettings = { ...open, perPrincipal: { rate: { perSecond: 1, burst: 1 } } };
  const never = (): void => undefined;

  it("waits for the caller's rate, in the order it came, and for nobody else's", async () => {
    const limits = new CallLimits(() => settings);
    const told: string[] = [];
    for (const what of ["first", "second", "third"]) void limits.awaitTurn("p", never).then(() => told.push(what));
    void limits.awaitTurn("other", never).then(() => told.push("other"));
    await vi.advanceTimersByTimeAsync(999);
    expect(told.toSorted()).toEqual(["first", "other"]);
    await vi.advanceTimersByTimeAsync(1_001);
    expect(told.at(-1)).toBe("second");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(told.at(-1)).toBe("third");
  });

  it("takes no turn once its stream has ended", async () => {
    const limits = new CallLimits(() => settings);
    await limits.awaitTurn("p", never);
    let giveUp = never;
    const waiting = limits.awaitTurn("p", (how) => {
      giveUp = how;
    });
    const next = limits.awaitTurn("p", never);
    await vi.advanceTimersByTimeAsync(0);
    giveUp();
    await expect(waiting).rejects.toMatchObject({ reason: "CALL_CANCELLED" });
    await vi.advanceTimersByTimeAsync(2_000);
    await next;
  });

  it("goes on at once when another rate is put in force", async () => {
    let inForce: CallLimitSettings = { ...open, rate: { perSecond: 0.01, burst: 1 } };
    const limits = new CallLimits(() => inForce);
    await limits.awaitTurn("p", never);
    const waiting = limits.awaitTurn("p", never);
    inForce = open;
    await limits.awaitTurn("p", never);
    await waiting;
  });
});
