/** How many calls in what time. */
export interface RateLimit {
  /** In the long run. */
  readonly perSecond: number;
  /** How many at once after a pause. */
  readonly burst: number;
}

/** Less than what is told; floating-point errors must not add a millisecond. */
const rounding = 1e-6;

/** Tokens that come at a steady rate and gather up to a bound; each call takes one. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #filledAtMs: number;

  constructor({ perSecond, burst }: RateLimit) {
    this.#perMs = perSecond / 1_000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#filledAtMs = performance.now();
  }

  /** When a take has failed: the time from then until there is one, in milliseconds. */
  get waitMs(): number {
    return Math.ceil((1 - this.#tokens) / this.#perMs - rounding);
  }

  /** Takes one. @param refusal made with the time until there is one, in milliseconds, and thrown when there is none */
  take(refusal: (waitMs: number) => Error): void {
    if (!this.tryTake()) throw refusal(this.waitMs);
  }

  /** Takes one if there is one; tells whether. */
  tryTake(): boolean {
    const nowMs = performance.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#filledAtMs) * this.#perMs);
    this.#filledAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
