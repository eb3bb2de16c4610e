import { LatencyHistogram } from "./latency-histogram.js";

/** How many status codes gRPC has: 0 to 16. */
const codeCount = 17;
const unknownCode = 2;

/** The service and the method of a call that is not one of ours. */
const otherName = "other";

/**
 * What happened to the calls of one method.
 *
 * Plain numbers in arrays made at creation: a call costs additions and no allocation.
 */
export class MethodMetrics {
  /** The service with its package: `secretbroker.v1.SecretBroker`. */
  readonly service: string;
  /** The method alone: `ReadSecret`. */
  readonly method: string;
  /** How long finished calls took. */
  readonly latency: LatencyHistogram = new LatencyHistogram();
  readonly #callsByCode = new Float64Array(codeCount);
  #inFlight = 0;

  constructor(service: string, method: string) {
    this.service = service;
    this.method = method;
  }

  /** Counts a call that begins; each must be followed by one {@link finished}. */
  started(): void {
    this.#inFlight += 1;
  }

  /** Counts a call that ends with a gRPC status code; a code that does not exist counts as `UNKNOWN`. */
  finished(code: number, durationMs: number): void {
    const index = code in this.#callsByCode ? code : unknownCode;
    this.#callsByCode[index] = (this.#callsByCode[index] ?? 0) + 1;
    this.#inFlight -= 1;
    this.latency.observe(durationMs);
  }

  /** How many calls have begun and not ended. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Finished calls by status code; the index is the code. A copy. */
  callsByCode(): number[] {
    return Array.from(this.#callsByCode);
  }
}

/** Counts calls by method, for a closed list of methods. */
export class CallMetrics {
  readonly #byName: ReadonlyMap<string, MethodMetrics>;
  readonly #other = new MethodMetrics(otherName, otherName);

  /** @param methods full gRPC names: `secretbroker.v1.SecretBroker/ReadSecret` */
  constructor(methods: readonly string[]) {
    this.#byName = new Map(methods.map((name) => [name, createMethodMetrics(name)]));
  }

  /**
   * The counters of a method, the same object every time; meant to be kept by the method's handler.
   *
   * A name that was not given at creation shares one set of counters, so that callers cannot make labels.
   */
  forMethod(name: string): MethodMetrics {
    return this.#byName.get(name) ?? this.#other;
  }

  /** Every method's counters; those of unknown names last. */
  all(): MethodMetrics[] {
    return [...this.#byName.values(), this.#other];
  }
}

function createMethodMetrics(name: string): MethodMetrics {
  const slash = name.lastIndexOf("/");
  return new MethodMetrics(name.slice(0, Math.max(slash, 0)), name.slice(slash + 1));
}
