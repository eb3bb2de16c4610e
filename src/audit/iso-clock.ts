/** Tells the time in ISO 8601 to the millisecond; formats each millisecond once, however often it is asked. */
export class IsoClock {
  #timeMs = Number.NaN;
  #text = "";

  /** Now, such as `2026-01-31T12:00:00.000Z`. */
  now(): string {
    const timeMs = Date.now();
    if (timeMs !== this.#timeMs) {
      this.#timeMs = timeMs;
      this.#text = new Date(timeMs).toISOString();
    }
    return this.#text;
  }
}
