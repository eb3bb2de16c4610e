/** Calls one sink of several for one thing after the other, and waits for none of them longer than its deadline. */
export class SinkLane {
  readonly #deadlineMs: number;
  #isBusy = false;

  constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs;
  }

  /** Whether something that was asked of the sink has not ended, late or not. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /**
   * Does something with the sink.
   * @throws Error the sink's; or that it is too slow, or still busy with what was too slow
   */
  async run(work: () => Promise<void>): Promise<void> {
    if (this.#isBusy) throw new Error("the audit sink is still busy");
    this.#isBusy = true;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      // Where the thread was busy for so long, what came meanwhile is heard of before this.
      setImmediate(() => late.reject(new Error("the audit sink is too slow")));
    }, this.#deadlineMs);
    try {
      await Promise.race([this.#untilDone(work), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #untilDone(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } finally {
      this.#isBusy = false;
    }
  }
}
