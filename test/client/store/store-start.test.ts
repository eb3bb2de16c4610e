import { describe, expect, it, vi } from "vitest";
import { SteadyClock } from "../../../src/client/store/store-clock.js";
import { untilAllAreHeld } from "../../../src/client/store/store-start.js";
import type { StoreClock } from "../../../src/client/index.js";
import { SecretError } from "../../../src/domain/secret-error.js";
import { SimulatedClock } from "./simulated-clock.js";

const notFound = SecretError.notFound("GONE");

/** A start whose first question is answered so, and whose second comes to no end in time. */
async function start(first: () => Promise<void>, isKnownAbsent: boolean): Promise<void> {
  let asked = 0;
  await untilAllAreHeld({
    names: new Set(["GONE"]),
    timeoutMs: 200,
    shelf: {
      find: () => undefined,
      absenceOf: () => (isKnownAbsent ? { error: notFound, knownAtMs: 0 } : undefined),
    },
    refresh: {
      refresh: async () => {
        asked += 1;
        await (asked === 1 ? first() : new Promise(() => undefined));
        return new Map();
      },
    },
    clock: new SteadyClock(),
    random: () => 0,
    signal: new AbortController().signal,
  });
}

describe("a start whose last question is not answered in time", () => {
  it("says what the broker said before", async () => {
    await expect(start(() => Promise.resolve(), true)).rejects.toMatchObject({
      reason: "SECRET_NOT_FOUND",
      message: '1 of 1 secrets were not there within 200 ms: "GONE" (SECRET_NOT_FOUND)',
    });
  });

  it("says why the broker could not be asked before", async () => {
    const away = new SecretError("MANAGER_UNAVAILABLE", "away");
    await expect(start(() => Promise.reject(away), false)).rejects.toMatchObject({
      reason: "MANAGER_UNAVAILABLE",
      message: '1 of 1 secrets were not there within 200 ms: "GONE" (MANAGER_UNAVAILABLE)',
    });
  });

  it("says that the time is over where it was the only one", async () => {
    await expect(start(() => new Promise(() => undefined), false)).rejects.toMatchObject({
      reason: "MANAGER_TIMEOUT",
      message: '1 of 1 secrets were not there within 200 ms: "GONE" (MANAGER_TIMEOUT)',
    });
  });
});

describe("a start of a process that is busy with other things", () => {
  it("says what kept them away, and asks nothing when the time is over", async () => {
    const steady = new SimulatedClock();
    // Every timer fires a second late.
    const clock: StoreClock = { now: steady.now, after: (delayMs, run) => steady.after(delayMs + 1_000, run) };
    const timeouts: (number | undefined)[] = [];
    const away = new SecretError("MANAGER_UNAVAILABLE", "away");
    const started = untilAllAreHeld({
      names: new Set(["A"]),
      timeoutMs: 600,
      shelf: { find: () => undefined, absenceOf: () => undefined },
      refresh: {
        refresh: (_names, timeoutMs) => {
          timeouts.push(timeoutMs);
          return Promise.reject(away);
        },
      },
      clock,
      random: () => 0,
      signal: new AbortController().signal,
    });
    const failed = expect(started).rejects.toMatchObject({
      reason: "MANAGER_UNAVAILABLE",
      message: '1 of 1 secrets were not there within 600 ms: "A" (MANAGER_UNAVAILABLE)',
    });
    await steady.advance(5_000);
    await failed;
    expect(timeouts).toEqual([600]);
  });

  it("names for each what keeps that one away", async () => {
    const corrupt = new SecretError("PAYLOAD_CORRUPT", "bytes do not verify");
    const failures = new Map([["B", corrupt]]);
    const started = untilAllAreHeld({
      names: new Set(["A", "B"]),
      timeoutMs: 100,
      shelf: {
        find: () => undefined,
        absenceOf: (name) => (name === "A" ? { error: notFound, knownAtMs: 0 } : undefined),
      },
      refresh: { refresh: () => Promise.resolve(failures) },
      clock: new SimulatedClock(),
      random: () => 0,
      signal: new AbortController().signal,
    });
    await expect(started).rejects.toMatchObject({
      metadata: { A: "SECRET_NOT_FOUND", B: "PAYLOAD_CORRUPT" },
    });
  });

  it("sets no timer for a time that is over", () => {
    const set = vi.spyOn(globalThis, "setTimeout");
    new SteadyClock().after(-5, () => undefined)();
    expect(set.mock.calls.map(([, delayMs]) => delayMs)).toEqual([0]);
    set.mockRestore();
  });
});
