/** Lets one loop wait for whatever comes first: a reason to go on, or the time. */
export class Wakeup {
  #isDue = false;
  #resume: ((isWoken: boolean) => void) | undefined;

  /** Ends the wait that is under way, or the next one at once. */
  wake(): void {
    this.#isDue = true;
    this.#resume?.(true);
  }

  /** Whether it was woken within a time; reasons that come together wake once. */
  async within(timeMs: number): Promise<boolean> {
    if (!this.#isDue) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      this.#resume = resolve;
      const timer = setTimeout(resolve, timeMs, false).unref();
      await promise;
      clearTimeout(timer);
      this.#resume = undefined;
    }
    const isWoken = this.#isDue;
    this.#isDue = false;
    return isWoken;
  }
}
