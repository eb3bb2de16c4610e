/** What a steady clock is made of. */
export interface ClockSources {
  /** The wall clock, in milliseconds since the epoch; it may be set forwards and backwards. */
  readonly wall: () => number;
  /** A clock that only runs, in milliseconds from any point. */
  readonly monotonic: () => number;
}

/**
 * Tells what is surely past. A wall clock that is set forwards says that much is over which is not; time also has to
 * have passed on a clock nobody can set, counted from the start of the process.
 */
export class SteadyClock {
  readonly #sources: ClockSources;
  readonly #startWallMs: number;
  readonly #startMonotonicMs: number;

  constructor(sources: ClockSources = { wall: Date.now, monotonic: () => performance.now() }) {
    this.#sources = sources;
    this.#startWallMs = sources.wall();
    this.#startMonotonicMs = sources.monotonic();
  }

  /** The time, as the wall clock has it. */
  now(): number {
    return this.#sources.wall();
  }

  /** The earlier of what the two clocks say: nothing is due before it. */
  surelyPast(): number {
    const elapsedMs = this.#sources.monotonic() - this.#startMonotonicMs;
    return Math.min(this.#sources.wall(), this.#startWallMs + elapsedMs);
  }
}
