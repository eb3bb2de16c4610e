/** Lets at most so much work be under way at once, first come, first served. What is done at once takes no place. */
export class WorkSlots {
  #free: number;
  // those who wait for a place, which is handed to them
  readonly #waiting: (() => void)[] = [];

  /** @param count at least 1 */
  constructor(count: number) {
    this.#free = count;
  }

  /** Does the work as soon as there is a place for it; at once where there is one. @throws what the work throws */
  run<T>(work: () => T | Promise<T>): T | Promise<T> {
    if (this.#free === 0) {
      return new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      }).then(() => this.#runInPlace(work));
    }
    this.#free -= 1;
    return this.#runInPlace(work);
  }

  #runInPlace<T>(work: () => T | Promise<T>): T | Promise<T> {
    let result: T | Promise<T> | undefined;
    try {
      result = work();
    } finally {
      if (!(result instanceof Promise)) this.#leave();
    }
    if (!(result instanceof Promise)) return result;
    return result.finally(() => {
      this.#leave();
    });
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
