/**
 * Tells from a stream's heartbeats when, by this machine's clock, the broker last knew everything to be current.
 *
 * A heartbeat names a time of the broker's clock, which may be set differently, and may have been long on its way. Two
 * things are certain: what is said after a subscription was answered was said after it was made, and a time that is later
 * than the heartbeat before it names was noted after that one was sent. So it lies after the subscription, and from
 * there on both clocks go equally fast. The result may be too early by some heartbeats, and is never too late.
 */
export class WatchedTime {
  /** Everything that is received from now on was sent after this. */
  #sentAfterMs: number;
  #last: { readonly currentMs: number; readonly sentAfterMs: number } | undefined;
  /** This machine's clock minus the broker's, at least. */
  #offsetMs = -Infinity;
  #knownAtMs: number | undefined;

  /** @param saidAtMs when the first subscription was made */
  constructor(saidAtMs: number) {
    this.#sentAfterMs = saidAtMs;
  }

  /** What is told now was read by the broker after this, and sent after it. */
  get sentAfterMs(): number {
    return this.#sentAfterMs;
  }

  /** A subscription that was made at that time was answered. */
  noteAnswer(saidAtMs: number): void {
    this.#sentAfterMs = Math.max(this.#sentAfterMs, saidAtMs);
  }

  /**
   * Reads a heartbeat.
   * @param currentMs when the broker knew everything to be current, by its own clock
   * @param receivedAtMs when it came, by this machine's
   * @returns when that was by this machine's clock; undefined as long as it cannot be told
   */
  read(currentMs: number, receivedAtMs: number): number | undefined {
    const before = this.#last;
    // The same time again: nothing newer is known.
    if (currentMs === before?.currentMs) return this.#knownAtMs;
    if (before !== undefined && currentMs < before.currentMs) this.#offsetMs = -Infinity;
    if (before !== undefined && currentMs > before.currentMs) {
      this.#offsetMs = Math.max(this.#offsetMs, before.sentAfterMs - currentMs);
    }
    // Nothing is known before it happens, so a clock that was set forward is seen through.
    this.#offsetMs = Math.min(this.#offsetMs, receivedAtMs - currentMs);
    this.#last = { currentMs, sentAfterMs: this.#sentAfterMs };
    this.#knownAtMs = this.#offsetMs === -Infinity ? undefined : currentMs + this.#offsetMs;
    return this.#knownAtMs;
  }
}
