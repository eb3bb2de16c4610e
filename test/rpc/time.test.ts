import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  dateFromTimestamp,
  durationFromMs,
  msFromDuration,
  optionalTimestamp,
  timestampFromDate,
} from "../../src/rpc/time.js";

describe("a timestamp", () => {
  it("comes back to the millisecond from any date, with nanoseconds that count forwards", () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true }), (date) => {
        const timestamp = timestampFromDate(date);
        expect(timestamp.nanos).toBeGreaterThanOrEqual(0);
        expect(timestamp.nanos).toBeLessThan(1_000_000_000);
        expect(dateFromTimestamp(timestamp).getTime()).toBe(date.getTime());
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    [0, { seconds: 0n, nanos: 0 }],
    [-1, { seconds: -1n, nanos: 999_000_000 }],
    [-1_000, { seconds: -1n, nanos: 0 }],
    [1_500, { seconds: 1n, nanos: 500_000_000 }],
    [8.64e15, { seconds: 8_640_000_000_000n, nanos: 0 }],
    [-8.64e15, { seconds: -8_640_000_000_000n, nanos: 0 }],
  ])("of %d ms is what the wire says", (timeMs, timestamp) => {
    expect(timestampFromDate(new Date(timeMs))).toEqual(timestamp);
  });

  it("beyond JavaScript's range is an invalid date, and no error", () => {
    for (const seconds of [2n ** 63n - 1n, -(2n ** 63n), 8_640_000_000_001n]) {
      expect(dateFromTimestamp({ seconds, nanos: 0 }).getTime()).toBeNaN();
    }
  });

  it("may be missing", () => {
    expect(optionalTimestamp(undefined)).toBeUndefined();
    expect(optionalTimestamp(new Date(0))).toEqual({ seconds: 0n, nanos: 0 });
  });
});

describe("a duration", () => {
  it("comes back from any length, its parts of one sign and within bounds", () => {
    fc.assert(
      fc.property(fc.double({ min: -1e10, max: 1e10, noNaN: true }), (lengthMs) => {
        const { seconds, nanos } = durationFromMs(lengthMs);
        expect(Math.abs(nanos)).toBeLessThan(1_000_000_000);
        expect(seconds === 0n || nanos === 0 || seconds > 0n === nanos > 0).toBe(true);
        expect(msFromDuration({ seconds, nanos })).toBeCloseTo(lengthMs, 3);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    [0, { seconds: 0n, nanos: 0 }],
    [1_500, { seconds: 1n, nanos: 500_000_000 }],
    [-1_500, { seconds: -1n, nanos: -500_000_000 }],
    [999.999_999_9, { seconds: 1n, nanos: 0 }],
    [-999.999_999_9, { seconds: -1n, nanos: 0 }],
  ])("of %d ms is what the wire says", (lengthMs, { seconds, nanos }) => {
    const duration = durationFromMs(lengthMs);
    expect([duration.seconds, duration.nanos + 0]).toEqual([seconds, nanos]);
  });
});
