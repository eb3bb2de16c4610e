import { rewrapAll, rewrapSince, type RewrapResult, type Settled } from "./rewrap.js";
import type { SqlDatabase } from "./sql-database.js";
import type { StoreContext } from "./store-context.js";

/** How often what is due is everything, in turns: the log does not tell what another process wrapped with another key. */
const turnsToEverything = 60;

/**
 * Wraps data keys anew turn by turn, and remembers what need not be looked at again: as long as the current key stays the
 * same, everything was under it once, and the log reaches back to then, only what has been written since is looked at.
 * Starting anew forgets that, and one turn looks at everything. Not to be asked for two things at once.
 */
export class BackgroundRewrap {
  readonly #work: readonly [StoreContext, SqlDatabase];
  #settled: Settled | undefined;
  #turnsLeft = 0;

  constructor(work: readonly [StoreContext, SqlDatabase]) {
    this.#work = work;
  }

  /** Looks at what may be under another key; returns how many data keys it wrapped. */
  async whatIsDue(): Promise<number> {
    const settled = this.#settled;
    this.#turnsLeft -= 1;
    const isKnown = settled?.keyId === (await this.#work[0].cipher.currentKeyId());
    if (settled === undefined || !isKnown || this.#turnsLeft <= 0) return await this.everything();
    return this.#remember(await rewrapSince(...this.#work, settled));
  }

  /** Looks at everything; returns how many data keys it wrapped. */
  async everything(): Promise<number> {
    // One that fails is done again.
    this.#settled = undefined;
    this.#turnsLeft = turnsToEverything;
    return this.#remember(await rewrapAll(...this.#work));
  }

  #remember({ wrapped, settled }: RewrapResult): number {
    this.#settled = settled;
    return wrapped;
  }
}
