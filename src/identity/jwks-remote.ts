import { type KeyEndpoint, fetchIssuerKeys } from "./jwks-endpoint.js";
import { fetchFailure } from "./jwks-fetch.js";
import type { IssuerKeys } from "./jwks-keys.js";
import { type KeySource, keysUnavailable } from "./jwks-source.js";
import { unknownKey } from "./jwt-refusal.js";
import type { JwtHeader } from "./jwt-text.js";

/** What happens to the keys of an issuer, for the log. */
export interface KeyEvents {
  /** There are other keys than before. */
  changed(issuer: string, keys: IssuerKeys): void;
  /** They could not be fetched. @param isUsable whether there are some that are not too old */
  failed(issuer: string, thrown: unknown, isUsable: boolean): void;
}

/** How many calls wait for one fetch; a flood of unknown keys must not hold calls of others. */
const maxWaiting = 100;

const firstRetryMs = 1_000;
const maxRetryMs = 60_000;

/**
 * An issuer's keys behind a URL: fetched in the background, and once more when a key is not known. One fetch at a time,
 * and none for each call.
 */
export class RemoteKeys implements KeySource {
  readonly #endpoint: KeyEndpoint;
  readonly #events: KeyEvents;
  readonly #closing = new AbortController();
  #keys: IssuerKeys | undefined;
  // Times of the clock that is never set.
  #fetchedAtMs = -Infinity;
  #triedAtMs = -Infinity;
  #nextAtMs = 0;
  #failures = 0;
  #waiting = 0;
  #fetching: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(endpoint: KeyEndpoint, events: KeyEvents) {
    this.#endpoint = endpoint;
    this.#events = events;
  }

  get keys(): IssuerKeys | undefined {
    return performance.now() - this.#fetchedAtMs <= this.#endpoint.config.maxStaleMs ? this.#keys : undefined;
  }

  /** Begins to fetch, now and again. Idempotent. */
  open(): void {
    if (this.#triedAtMs === -Infinity) void this.#fetch();
  }

  /** Ends what is under way; nothing is fetched afterwards. Idempotent. */
  close(): void {
    this.#closing.abort();
    clearTimeout(this.#timer);
  }

  keysFor(header: JwtHeader): IssuerKeys | Promise<IssuerKeys> {
    const { keys } = this;
    if (keys?.mayVerify(header) === true) return keys;
    if (this.#fetching === undefined) {
      if (keys === undefined || this.#failures > 0 || this.#closing.signal.aborted) throw this.#unavailable();
      if (performance.now() < this.#triedAtMs + this.#endpoint.config.refetchCooldownMs) throw unknownKey();
    }
    if (this.#waiting >= maxWaiting) throw this.#unavailable();
    return this.#afterFetch(header);
  }

  async #afterFetch(header: JwtHeader): Promise<IssuerKeys> {
    this.#waiting += 1;
    try {
      await this.#fetch();
    } finally {
      this.#waiting -= 1;
    }
    const { keys } = this;
    if (keys?.mayVerify(header) === true) return keys;
    throw keys === undefined || this.#failures > 0 ? this.#unavailable() : unknownKey();
  }

  #unavailable(): ReturnType<typeof keysUnavailable> {
    return keysUnavailable(this.#nextAtMs - performance.now());
  }

  /** One fetch for all who want one; never rejects. */
  #fetch(): Promise<void> {
    return (this.#fetching ??= this.#fetchOnce().finally(() => {
      this.#fetching = undefined;
      this.#schedule();
    }));
  }

  async #fetchOnce(): Promise<void> {
    clearTimeout(this.#timer);
    this.#triedAtMs = performance.now();
    this.#nextAtMs = this.#triedAtMs + firstRetryMs;
    const { config, issuer } = this.#endpoint;
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(config.fetchTimeoutMs)]);
    try {
      // A file that does not end being read must not hold calls either.
      this.#take(await Promise.race([fetchIssuerKeys(this.#endpoint, signal), endOf(signal)]));
    } catch (thrown) {
      this.#failures += 1;
      if (!this.#closing.signal.aborted) this.#events.failed(issuer, thrown, this.keys !== undefined);
    }
  }

  #take(fetched: IssuerKeys): void {
    this.#failures = 0;
    this.#fetchedAtMs = performance.now();
    if (this.#keys?.digest === fetched.digest) return;
    this.#keys = fetched;
    this.#events.changed(this.#endpoint.issuer, fetched);
  }

  /** At a time that differs from broker to broker, so that many of them do not ask at once. */
  #schedule(): void {
    if (this.#closing.signal.aborted) return;
    const { refreshIntervalMs } = this.#endpoint.config;
    const retryMs = Math.min(firstRetryMs * 2 ** Math.min(this.#failures - 1, 10), maxRetryMs);
    const waitMs = (this.#failures === 0 ? refreshIntervalMs : Math.min(retryMs, refreshIntervalMs)) * jitter();
    this.#nextAtMs = performance.now() + waitMs;
    this.#timer = setTimeout(() => void this.#fetch(), waitMs).unref();
  }
}

function jitter(): number {
  return 0.9 + Math.random() * 0.2;
}

function endOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(fetchFailure("the server did not answer in time")), { once: true });
  });
}
