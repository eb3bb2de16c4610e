/** How many lines of a process are passed on in each span of time; it may write more than anybody reads. */
export class LineBudget {
  readonly #max: number;
  readonly #spanMs: number;
  readonly #now: () => number;
  #sinceMs = -Infinity;
  #taken = 0;
  #left = 0;

  constructor({ max, spanMs, now = () => performance.now() }: { max: number; spanMs: number; now?: () => number }) {
    this.#max = max;
    this.#spanMs = spanMs;
    this.#now = now;
  }

  /** Whether one more may pass, and how many were left out before it. */
  take(): { readonly passes: boolean; readonly leftOut: number } {
    const nowMs = this.#now();
    if (nowMs - this.#sinceMs >= this.#spanMs) {
      this.#sinceMs = nowMs;
      this.#taken = 0;
    }
    if (this.#taken >= this.#max) {
      this.#left += 1;
      return { passes: false, leftOut: 0 };
    }
    this.#taken += 1;
    const leftOut = this.#left;
    this.#left = 0;
    return { passes: true, leftOut };
  }
}
