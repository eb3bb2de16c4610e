/** How many calls are under way at once; those beyond the bound wait in their order. */
export class CallSlots {
  readonly #max: number;
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  /** @param max 0 for no bound */
  constructor(max: number) {
    this.#max = max === 0 ? Infinity : max;
  }

  /** Takes a slot at once, if there is one. */
  tryTake(): boolean {
    if (this.#taken >= this.#max) return false;
    this.#taken += 1;
    return true;
  }

  /** Waits for a slot. Rejects with the signal's reason when nobody waits any more. */
  async take(signal: AbortSignal): Promise<void> {
    if (this.tryTake()) return;
    await new Promise<void>((resolve, reject) => {
      const give = (): void => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.delete(give);
        reject(signal.reason as Error);
      };
      if (signal.aborted) {
        leave();
        return;
      }
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.add(give);
    });
  }

  /** Gives a slot back, to whoever has waited longest. */
  give(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#taken -= 1;
    } else {
      this.#waiting.delete(next);
      next();
    }
  }
}
