/** The time a store lives by; a test brings its own. */
export interface StoreClock {
  /** Milliseconds that never go back. */
  now(): number;
  /** The time of day, in milliseconds since the epoch, by which secrets expire; the machine's unless given. */
  wallMs?(): number;
  /**
   * Runs something later; returns what takes that back.
   * @param keepsProcessAlive whether the process waits for it
   */
  after(delayMs: number, run: () => void, keepsProcessAlive?: boolean): () => void;
}

/** A jump of the wall clock by less is its being set right, not sleep. */
const toleranceMs = 1_000;

/** The machine's time, which goes on while the machine sleeps: what was asleep with it has aged as well. */
export class SteadyClock implements StoreClock {
  readonly #wallMs: () => number;
  readonly #steadyMs: () => number;
  #sleptMs = 0;
  #gapMs: number;

  constructor(wallMs: () => number = Date.now, steadyMs: () => number = () => performance.now()) {
    this.#wallMs = wallMs;
    this.#steadyMs = steadyMs;
    this.#gapMs = wallMs() - steadyMs();
  }

  /** {@inheritDoc StoreClock.now} */
  now(): number {
    const steadyMs = this.#steadyMs();
    const gapMs = this.#wallMs() - steadyMs;
    const jumpMs = gapMs - this.#gapMs;
    if (jumpMs > toleranceMs) this.#sleptMs += jumpMs;
    if (jumpMs > toleranceMs || jumpMs < -toleranceMs) this.#gapMs = gapMs;
    return steadyMs + this.#sleptMs;
  }

  /** {@inheritDoc StoreClock.wallMs} */
  wallMs(): number {
    return this.#wallMs();
  }

  /** {@inheritDoc StoreClock.after} */
  after(delayMs: number, run: () => void, keepsProcessAlive = false): () => void {
    const timer = setTimeout(run, Math.max(delayMs, 0));
    if (!keepsProcessAlive) timer.unref();
    return () => {
      clearTimeout(timer);
    };
  }
}
