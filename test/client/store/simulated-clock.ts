import type { StoreClock } from "../../../src/client/index.js";

interface Timer {
  readonly atMs: number;
  readonly run: () => void;
}

/** When simulated time begins. */
const epochMs = Date.UTC(2030, 0);

/** Time that passes when a test says so, one timer after the other. */
export class SimulatedClock implements StoreClock {
  readonly #timers = new Set<Timer>();
  #nowMs = 1_000;

  /** {@inheritDoc StoreClock.now} */
  readonly now = (): number => this.#nowMs;

  /** {@inheritDoc StoreClock.wallMs} */
  readonly wallMs = (): number => epochMs + this.#nowMs;

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** {@inheritDoc StoreClock.after} */
  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(delayMs, 0), run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Waits on this clock. */
  async sleep(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => this.after(delayMs, resolve));
  }

  /** Lets time pass, with all that happens meanwhile. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs;
    await settle();
    for (;;) {
      const next = [...this.#timers].reduce<Timer | undefined>(
        (first, timer) => (timer.atMs <= endMs && timer.atMs < (first?.atMs ?? Infinity) ? timer : first),
        undefined,
      );
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
      await settle();
    }
    this.#nowMs = endMs;
  }
}

/** Lets everything come to rest that waits for no timer. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** Numbers from 0 to 1 that are the same each time. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
