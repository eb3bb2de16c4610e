import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { ReadResult } from "../../../src/broker/read-secret.js";
import { isSecretError } from "../../../src/domain/secret-error.js";
import { liveCall, nameOf } from "../open-broker.js";
import { type CachedBroker, down, openCached } from "./scripted-manager.js";

/** A generator of numbers below a bound, the same for the same seed. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const names = ["A", "B", "C"];
const maxStaleMs = 60_000;

/** What was the truth when: each change with its time, the newest last. */
class Truth {
  readonly #changes = new Map<string, { readonly fromMs: number; readonly value: string | undefined }[]>();

  set(name: string, value: string | undefined, fromMs: number): void {
    const changes = this.#changes.get(name) ?? [{ fromMs: -Infinity, value: undefined }];
    this.#changes.set(name, [...changes, { fromMs, value }]);
  }

  /** Whether a value was the truth at some point of a time. */
  held(name: string, value: string | undefined, [fromMs, untilMs]: readonly [number, number]): boolean {
    const changes = this.#changes.get(name) ?? [{ fromMs: -Infinity, value: undefined }];
    return changes.some((change, index) => {
      const endMs = changes[index + 1]?.fromMs ?? Infinity;
      return change.value === value && change.fromMs <= untilMs && endMs >= fromMs;
    });
  }
}

class Simulation {
  readonly #broker: CachedBroker;
  readonly #random: (below: number) => number;
  readonly #truth = new Truth();
  readonly #frozen = new Set<string>();
  readonly #pending = new Set<Promise<void>>();
  /** When a change of the broker's own, or a freeze, was answered: no answer may be from before. */
  readonly #notBefore = new Map<string, number>();
  #values = 0;
  readonly problems: string[] = [];
  readonly seen = { manager: 0, cache: 0, stale: 0, too_old: 0, down: 0, absent: 0 };

  constructor(seed: number) {
    this.#broker = openCached(
      { maxStaleMs, staleWhileRevalidateMs: 5_000, refreshAheadMs: 2_000, negativeTtlMs: 500, jitter: 0.3 },
      {},
    );
    this.#random = createRandom(seed);
  }

  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps; step += 1) {
      // Several things happen at one time, and time passes once everybody who can be answered has been: an age is true
      // when it is told.
      if (this.#random(3) > 0) {
        for (let turns = 0; turns < 4; turns += 1) await turn();
        this.#broker.time.advance(this.#random(this.#random(50) === 0 ? 40_000 : 900));
      }
      await this.#step();
    }
    this.#broker.manager.release();
    await Promise.all(this.#pending);
  }

  async #step(): Promise<void> {
    const { cache } = this.#broker;
    const name = names[this.#random(names.length)] ?? "A";
    const roll = this.#random(100);
    if (roll < 60) this.#read(name);
    else if (roll < 66) await this.#writeThroughBroker(name);
    else if (roll < 72) this.#changeBehind(name);
    else if (roll < 90) this.#disturb(roll);
    else if (roll < 92) cache.allChanged();
    else if (roll < 95) this.#freeze(name);
  }

  #disturb(roll: number): void {
    const { manager } = this.#broker;
    if (roll < 76) manager.failure = manager.failure === undefined ? down() : undefined;
    else if (roll < 80) manager.isHolding = true;
    else manager.release();
  }

  #change(name: string, value: string | undefined): void {
    this.#truth.set(name, value, this.#broker.time.nowMs());
  }

  async #writeThroughBroker(name: string): Promise<void> {
    const { broker, manager, time } = this.#broker;
    const value = `value ${String((this.#values += 1))}`;
    // The manager answers changes at once, failing or not.
    const request = { name: nameOf(name), payload: value };
    this.#change(name, value);
    await broker.writeSecret(liveCall(), request);
    expect(manager.values.get(name)?.value).toBe(value);
    this.#notBefore.set(name, time.nowMs());
  }

  /** By somebody else, of whom the broker hears nothing, or hears it from the manager. */
  #changeBehind(name: string): void {
    const { manager, cache, time } = this.#broker;
    const isRemoval = this.#random(3) === 0;
    const value = isRemoval ? undefined : `value ${String((this.#values += 1))}`;
    if (value === undefined) manager.deleteSecret(name);
    else manager.writeSecret(name, value);
    this.#change(name, value);
    if (this.#random(2) === 0) return;
    cache.changed(nameOf(name));
    this.#notBefore.set(name, time.nowMs());
  }

  #freeze(name: string): void {
    const { cache, time } = this.#broker;
    if (this.#frozen.delete(name)) return;
    this.#frozen.add(name);
    cache.drop(nameOf(name));
    this.#notBefore.set(name, time.nowMs());
  }

  #read(name: string): void {
    const { time, read } = this.#broker;
    const bounds = [undefined, undefined, 0, 1_000, 15_000, 300_000];
    const maxStalenessMs = bounds[this.#random(bounds.length)];
    const startMs = time.nowMs();
    const notBeforeMs = this.#notBefore.get(name) ?? -Infinity;
    const reading = read(name, { maxStalenessMs }).then(
      (result) => this.#check(name, result, { maxStalenessMs, startMs, notBeforeMs }),
      (error: unknown) => this.#checkFailure(name, error, startMs),
    );
    const noted = reading.catch((thrown: unknown) => {
      this.problems.push(String(thrown));
    });
    this.#pending.add(noted);
    void noted.then(() => this.#pending.delete(noted));
  }

  #check(
    name: string,
    { secret, origin: { servedFrom, ageMs } }: ReadResult,
    asked: { readonly maxStalenessMs: number | undefined; readonly startMs: number; readonly notBeforeMs: number },
  ): void {
    const nowMs = this.#broker.time.nowMs();
    const value = String(secret.payload);
    this.seen[servedFrom] += 1;
    // The manager was asked for this read, or the value was the truth when its age says.
    if (servedFrom === "manager") expect(ageMs).toBeUndefined();
    const sinceMs = ageMs === undefined ? asked.startMs : nowMs - ageMs;
    expect(this.#truth.held(name, value, [sinceMs, nowMs]), `${name} ${value} ${servedFrom} ${String(ageMs)}`).toBe(
      true,
    );
    if (ageMs !== undefined) {
      expect(ageMs).toBeLessThanOrEqual(asked.maxStalenessMs ?? Infinity);
      // An answer that was waited for may have grown old meanwhile; what was kept may not.
      const waitedMs = nowMs - asked.startMs;
      expect(ageMs).toBeLessThanOrEqual((servedFrom === "stale" ? maxStaleMs : 15_000) + waitedMs);
    }
    // What was changed or frozen before this read began is not seen any more.
    expect(this.#truth.held(name, value, [asked.notBeforeMs, nowMs]), `${name} ${value} after its change`).toBe(true);
  }

  #checkFailure(name: string, error: unknown, startMs: number): void {
    if (!isSecretError(error)) throw error;
    if (error.reason === "STALE_TOO_OLD") this.seen.too_old += 1;
    else if (error.reason === "MANAGER_UNAVAILABLE") this.seen.down += 1;
    else {
      expect(error.reason).toBe("SECRET_NOT_FOUND");
      this.seen.absent += 1;
      const nowMs = this.#broker.time.nowMs();
      // Remembered for half a second at most.
      expect(this.#truth.held(name, undefined, [startMs - 500, nowMs]), `${name} was there`).toBe(true);
    }
  }
}

describe("the promise of staleness", () => {
  it.each([1, 2, 3, 4, 5, 6])("holds for every answer through outages, changes and freezes, seed %d", async (seed) => {
    const simulation = new Simulation(seed);
    await simulation.run(4_000);
    expect(simulation.problems).toEqual([]);
    // Each kind of answer was among them.
    for (const [kind, count] of Object.entries(simulation.seen)) expect(count, kind).toBeGreaterThan(0);
  });
});
