import type { Log } from "../log/log.js";

/**
 * Keeps Node.js from printing what a user's class throws where nobody waits for it, as its text may hold a secret.
 *
 * A lost rejection is logged and survived. After a lost exception the state of the process is unknown: before the
 * broker serves it ends at once, afterwards it stops in order.
 */
export class ProcessGuard {
  readonly #log: Log;
  #stop: (() => void) | undefined;

  constructor(log: Log) {
    this.#log = log;
    process.on("unhandledRejection", this.#onRejection);
    process.on("uncaughtException", this.#onException);
  }

  /** Says how to stop in order, from now on. */
  stopWith(stop: () => void): void {
    this.#stop = stop;
  }

  /** Leaves the process to Node.js again. */
  release(): void {
    process.off("unhandledRejection", this.#onRejection);
    process.off("uncaughtException", this.#onException);
  }

  readonly #onRejection = (thrown: unknown): void => {
    this.#log.error({}, "a promise was rejected and nobody waited for it", { thrown });
  };

  readonly #onException = (thrown: unknown): void => {
    this.#log.error({}, "an exception was thrown and nobody caught it; stopping", { thrown });
    if (this.#stop === undefined) process.exit(1);
    this.#stop();
  };
}
