/** A clock that stands still until it is moved. */
export class FakeClock {
  #nowMs: number;

  /** @param startMs where it starts, in milliseconds since the epoch. */
  constructor(startMs: number = Date.UTC(2030, 0, 1)) {
    this.#nowMs = startMs;
  }

  /** The time in milliseconds since the epoch; bound, so it can be passed on in place of `Date.now`. */
  readonly now = (): number => this.#nowMs;

  /** The time as a date of its own. */
  date(): Date {
    return new Date(this.#nowMs);
  }

  /** Moves the clock; backwards with a negative number, as a clock that is set does. */
  advance(byMs: number): void {
    this.#nowMs += byMs;
  }
}
