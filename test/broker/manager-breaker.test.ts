import { describe, expect, it } from "vitest";
import { type BreakerSettings, ManagerBreaker } from "../../src/broker/manager-breaker.js";
import { SecretError, type SecretErrorReason } from "../../src/domain/secret-error.js";
import { down, openCached } from "./cache/scripted-manager.js";
import { liveCall, nameOf } from "./open-broker.js";

const usual: BreakerSettings = { failures: 3, openForMs: 10_000, patienceMs: 1_000, maxPending: undefined };

function open(changes: Partial<BreakerSettings> = {}) {
  const counts = { isOpen: false, refused: 0 };
  let nowMs = 0;
  let settings: BreakerSettings | undefined = { ...usual, ...changes };
  const breaker = new ManagerBreaker({ settings: () => settings, counts, nowMs: () => nowMs });
  const ask = (reason?: SecretErrorReason, durationMs = 0): void => {
    const error = reason === undefined ? undefined : new SecretError(reason, "x");
    breaker.leave(breaker.enter("read"), { error, durationMs });
  };
  return {
    ...{ breaker, counts, ask },
    advance: (byMs: number) => void (nowMs += byMs),
    switchOff: () => void (settings = undefined),
  };
}

describe("a breaker", () => {
  it("opens after so many failures in a row, and says how long to wait", () => {
    const { ask, counts, advance } = open();
    ask("MANAGER_UNAVAILABLE");
    ask("MANAGER_UNAVAILABLE");
    ask();
    for (let count = 0; count < 3; count += 1) ask("MANAGER_UNAVAILABLE");
    advance(4_000);
    expect(() => ask()).toThrow(expect.objectContaining({ reason: "BREAKER_OPEN", retryAfterMs: 6_000 }) as Error);
    expect(counts).toEqual({ isOpen: true, refused: 1 });
  });

  it.each([
    ["MANAGER_REPLY_INVALID", 5_000],
    ["SECRET_NOT_FOUND", 5_000],
    ["PAYLOAD_CORRUPT", 5_000],
    ["MANAGER_QUOTA", 5_000],
    ["CALL_CANCELLED", 5_000],
    // Whoever comes with a deadline that nobody could keep must not close it to the others.
    ["MANAGER_TIMEOUT", 999],
  ] as const)("does not count %s after %d ms", (reason, durationMs) => {
    const { ask, counts } = open();
    for (let count = 0; count < 10; count += 1) ask(reason, durationMs);
    expect(counts.isOpen).toBe(false);
  });

  it("counts a deadline that left the manager time enough", () => {
    const { ask, counts } = open();
    for (let count = 0; count < 3; count += 1) ask("MANAGER_TIMEOUT", 1_000);
    expect(counts.isOpen).toBe(true);
  });

  it("lets one question through after its time, whose answer decides", () => {
    const { ask, advance, breaker, counts } = open();
    for (let count = 0; count < 3; count += 1) ask("MANAGER_UNAVAILABLE");
    advance(10_000);
    const probe = breaker.enter("read");
    expect(probe).toBe("probe");
    expect(() => ask()).toThrow(SecretError);
    breaker.leave(probe, { error: new SecretError("MANAGER_UNAVAILABLE", "x"), durationMs: 1 });
    expect(() => ask()).toThrow(SecretError);
    advance(10_000);
    // One that is given up decides nothing, and the next is let through.
    ask("CALL_CANCELLED");
    ask();
    expect(counts.isOpen).toBe(false);
    ask("MANAGER_UNAVAILABLE");
    expect(counts.isOpen).toBe(false);
  });

  it("is not closed by the answer to a question from before", () => {
    const { ask, breaker, counts } = open();
    const slow = breaker.enter("read");
    for (let count = 0; count < 3; count += 1) ask("MANAGER_UNAVAILABLE");
    breaker.leave(slow, { durationMs: 5_000 });
    expect(counts.isOpen).toBe(true);
  });

  it("bounds what is pending, and asks for health and has things forgotten whatever happens", () => {
    const { breaker, ask } = open({ maxPending: 2 });
    const passes = [breaker.enter("read"), breaker.enter("write")];
    expect(() => breaker.enter("read")).toThrow(expect.objectContaining({ reason: "BREAKER_OPEN" }) as Error);
    for (const always of ["health", "forget"] as const) expect(breaker.enter(always)).toBeUndefined();
    for (const pass of passes) breaker.leave(pass, { durationMs: 0 });
    for (let count = 0; count < 5; count += 1) ask();
  });

  it("is out of the way once it is switched off", () => {
    const { ask, switchOff, counts } = open();
    for (let count = 0; count < 3; count += 1) ask("MANAGER_UNAVAILABLE");
    switchOff();
    ask("MANAGER_UNAVAILABLE");
    expect(counts.isOpen).toBe(false);
  });
});

describe("a broker with a breaker", () => {
  it("spares the manager, and gives what is kept meanwhile", async () => {
    const { manager, time, read, broker, metrics } = openCached({}, { settings: { breaker: usual } });
    manager.writeSecret("A", "one");
    await read("A");
    manager.failure = down();
    for (const name of ["X", "Y", "Z"])
      await expect(read(name)).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    time.advance(20_000);
    expect((await read("A")).origin.servedFrom).toBe("stale");
    await expect(read("B")).rejects.toMatchObject({ reason: "BREAKER_OPEN" });
    const write = broker.writeSecret(liveCall(), { name: nameOf("B"), payload: "b" });
    await expect(write).rejects.toMatchObject({ reason: "BREAKER_OPEN" });
    expect(manager.calls).toHaveLength(4);
    expect(metrics.breaker).toMatchObject({ isOpen: true, refused: 3 });
  });
});
