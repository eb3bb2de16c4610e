import { isSecretError } from "../domain/secret-error.js";
import { BackgroundRewrap } from "./background-rewrap.js";
import { countByKey, rewrapAll } from "./rewrap.js";
import type { SqlDatabase } from "./sql-database.js";
import type { SteadyClock } from "./steady-clock.js";
import type { StoreContext } from "./store-context.js";
import { sweep, type SweepResult } from "./sweep.js";

/** What maintenance works with. */
export interface MaintenanceOptions {
  readonly clock: SteadyClock;
  readonly onNote: (note: string) => void;
}

/** How often it looks for what is due. */
const intervalMs = 60_000;

/** What a store does by itself: it destroys what is due, and wraps data keys anew after a rotation of the key. */
export class StoreMaintenance {
  readonly #work: readonly [StoreContext, SqlDatabase];
  readonly #options: MaintenanceOptions;
  readonly #rewrap: BackgroundRewrap;
  #timer: NodeJS.Timeout | undefined;
  #underWay: Promise<void> = Promise.resolve();

  constructor(work: readonly [StoreContext, SqlDatabase], options: MaintenanceOptions) {
    this.#work = work;
    this.#options = options;
    this.#rewrap = new BackgroundRewrap(work);
  }

  /** Begins to work every minute. */
  start(): void {
    this.#timer ??= setInterval(() => {
      this.#enqueue(() => this.#turn());
    }, intervalMs).unref();
  }

  /** Wraps data keys anew as soon as what is under way has ended; to be called when the key was rotated. */
  rewrapSoon(): void {
    this.#enqueue(async () => {
      this.#noteWrapped(await this.#rewrap.everything());
    });
  }

  /** Destroys what is due now. */
  async sweep(): Promise<SweepResult> {
    return await sweep(this.#work, this.#options.clock.surelyPast());
  }

  /** Wraps every data key with the current key; returns how many were wrapped by another. */
  async rewrap(): Promise<number> {
    const { wrapped } = await rewrapAll(...this.#work);
    return wrapped;
  }

  /** The key that new data keys are wrapped with. */
  async currentKeyId(): Promise<string> {
    return await this.#work[0].cipher.currentKeyId();
  }

  /** How many versions each key wraps. */
  async countByKey(): Promise<ReadonlyMap<string, number>> {
    return await countByKey(this.#work[1]);
  }

  /** Ends, after what is under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#underWay;
  }

  #enqueue(work: () => Promise<void>): void {
    this.#underWay = this.#underWay.then(work).catch((error: unknown) => {
      const why = isSecretError(error) ? error.reason : "INTERNAL_ERROR";
      this.#options.onNote(`maintenance of the store failed with ${why}; it is tried again`);
    });
  }

  async #turn(): Promise<void> {
    const { generations, versions } = await this.sweep();
    if (generations + versions > 0) {
      this.#options.onNote(`destroyed ${String(generations)} deleted secrets and ${String(versions)} expired versions`);
    }
    this.#noteWrapped(await this.#rewrap.whatIsDue());
  }

  #noteWrapped(count: number): void {
    if (count > 0) this.#options.onNote(`wrapped ${String(count)} data keys with the current key`);
  }
}
