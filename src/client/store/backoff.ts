/** The first and the longest pause, in milliseconds. */
const pauseMs = { first: 500, longest: 30_000 } as const;

/** When what has failed may be asked for again: later after each failure, and not when all others may. */
export class Backoff {
  readonly #random: () => number;
  #failures = 0;
  #overAtMs = -Infinity;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Whether it may be asked for. */
  isOver(nowMs: number): boolean {
    return nowMs >= this.#overAtMs;
  }

  /** It has failed again. @param retryAfterMs how long to wait at least, where that was said */
  noteFailure(nowMs: number, retryAfterMs = 0): void {
    const delayMs = Math.min(pauseMs.first * 2 ** this.#failures, pauseMs.longest) * (0.5 + this.#random() / 2);
    this.#failures += 1;
    this.#overAtMs = nowMs + retryAfterMs + delayMs;
  }

  /** All is well. */
  reset(): void {
    this.#failures = 0;
  }
}
