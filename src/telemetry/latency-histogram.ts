/** Upper bounds of the latency buckets, in seconds. */
export const latencyBoundsSeconds: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

const boundsMs: Float64Array = Float64Array.from(latencyBoundsSeconds, (bound) => bound * 1_000);

/**
 * Counts durations in fixed buckets.
 *
 * Everything is allocated at creation; observing writes to arrays and nothing else.
 */
export class LatencyHistogram {
  // One more than there are bounds: the last counts what is above them all.
  readonly #counts = new Float64Array(boundsMs.length + 1);
  #sumMs = 0;
  #count = 0;

  /** Counts one duration; a bound belongs to its bucket. A negative or unknown duration counts as 0. */
  observe(durationMs: number): void {
    const observedMs = durationMs > 0 ? durationMs : 0;
    let bucket = 0;
    while (bucket < boundsMs.length && observedMs > (boundsMs[bucket] ?? Infinity)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sumMs += observedMs;
    this.#count += 1;
  }

  /** How many durations were counted. */
  get count(): number {
    return this.#count;
  }

  /** The sum of all durations, in seconds. */
  get sumSeconds(): number {
    return this.#sumMs / 1_000;
  }

  /** How many durations were at most each of {@link latencyBoundsSeconds}, in their order. */
  cumulativeCounts(): number[] {
    let sum = 0;
    return latencyBoundsSeconds.map((_bound, bucket) => (sum += this.#counts[bucket] ?? 0));
  }
}
