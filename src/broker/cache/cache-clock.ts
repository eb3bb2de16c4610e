/** What a cache knows of the time. */
export interface CacheClock {
  /** Ages are counted by this, which nobody sets; in milliseconds since any point. */
  readonly nowMs: () => number;
  /** Expiry is a point in time like this; in milliseconds since the epoch. */
  readonly wallMs: () => number;
}

/** The system's. */
export const systemClock: CacheClock = { nowMs: () => performance.now(), wallMs: () => Date.now() };
