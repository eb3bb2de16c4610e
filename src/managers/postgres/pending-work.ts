import type { Awaitable } from "../../contract/secret-manager.js";
import type { SecretError } from "../../domain/secret-error.js";
import type { SqlTransaction } from "../../store/sql-database.js";

/** How often a work is run again when it fails for a reason that passes, besides making way for others. */
const maxAttempts = 6;

/** A work somebody waits for. */
export class PendingWork {
  /** Runs the work; resolves with what tells its caller the result, once it is committed. */
  readonly run: (transaction: SqlTransaction) => Promise<() => void>;
  /** Tells its caller that it was not done. */
  readonly reject: (error: SecretError) => void;
  /** Names it has wanted to lock before; with these it begins when it may wait for them. */
  readonly names: Set<string> = new Set<string>();
  #attempts = 0;

  private constructor({ run, reject }: Pick<PendingWork, "run" | "reject">) {
    this.run = run;
    this.reject = reject;
  }

  /** A work, and the promise of its result. */
  static create<T>(work: (transaction: SqlTransaction) => Awaitable<T>): readonly [PendingWork, Promise<T>] {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const run = async (transaction: SqlTransaction): Promise<() => void> => {
      const result = await work(transaction);
      return () => {
        resolve(result);
      };
    };
    return [new PendingWork({ run, reject }), promise];
  }

  /** Counts a failure; whether it may be run once more. */
  mayRunAgain(): boolean {
    this.#attempts += 1;
    return this.#attempts < maxAttempts;
  }

  /** How long to wait before it is run again, in ms: longer each time, and not the same for two that met. */
  get pauseMs(): number {
    return Math.random() * 5 * 2 ** this.#attempts;
  }
}
