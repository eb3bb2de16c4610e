/** How long to wait before another attempt: longer each time, and never the same for two. */
export class RestartDelay {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #failures = 0;

  constructor({ minMs, maxMs, random = Math.random }: { minMs: number; maxMs: number; random?: () => number }) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** The next wait, in milliseconds: between half and all of what the number of failures makes. */
  next(): number {
    const fullMs = Math.min(this.#maxMs, this.#minMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 30);
    return fullMs * (0.5 + this.#random() / 2);
  }

  /** It went well for long enough. */
  reset(): void {
    this.#failures = 0;
  }
}
