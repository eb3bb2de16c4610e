import { describe, expect, it } from "vitest";
import { SteadyClock } from "../../../src/client/store/store-clock.js";
import { WatchedTime } from "../../../src/client/store/watched-time.js";

describe("the store's clock", () => {
  it("goes on while the machine sleeps, and does not follow a wall clock that is set", () => {
    let [wallMs, steadyMs] = [1_000_000, 50];
    const clock = new SteadyClock(
      () => wallMs,
      () => steadyMs,
    );
    const startMs = clock.now();
    steadyMs += 100;
    wallMs += 100;
    expect(clock.now() - startMs).toBe(100);
    // Asleep: only the wall clock went on.
    wallMs += 3_600_000;
    expect(clock.now() - startMs).toBe(3_600_100);
    // Set back by an hour.
    wallMs -= 3_600_000;
    steadyMs += 10;
    wallMs += 10;
    expect(clock.now() - startMs).toBe(3_600_110);
  });
});

describe("what heartbeats tell", () => {
  it("is nothing before a second one that knows of more", () => {
    const time = new WatchedTime(1_000);
    expect(time.read(500_000, 11_000)).toBeUndefined();
    expect(time.read(500_000, 21_000)).toBeUndefined();
    expect(time.read(520_000, 31_000)).toBe(1_000);
    expect(time.read(530_000, 41_000)).toBe(11_000);
  });

  it("is never later than what came with it, nor than its own time", () => {
    const time = new WatchedTime(1_000);
    time.read(500_000, 11_000);
    time.read(510_000, 21_000);
    // The broker's clock was set forward.
    expect(time.read(9_000_000, 31_000)).toBe(31_000);
    // The manager is away: nothing newer is known.
    expect(time.read(9_000_000, 91_000)).toBe(31_000);
    // Set back: everything starts anew.
    expect(time.read(600_000, 95_000)).toBeUndefined();
  });

  it("is more exact after another subscription was answered", () => {
    const time = new WatchedTime(0);
    time.read(10_000, 10_000);
    time.noteAnswer(15_000);
    time.read(20_000, 20_000);
    expect(time.read(30_000, 30_000)).toBe(15_000);
  });
});
