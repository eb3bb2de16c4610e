import type { Secret } from "../../domain/secret.js";
import type { SecretName } from "../../domain/secret-name.js";
import type { CacheCounts } from "../../telemetry/cache-counts.js";
import type { Call } from "../call.js";
import type { GuardedManager } from "../guarded-manager.js";
import { askedNow, type Found, foundNow, type ReadOrigin } from "../read-origin.js";
import { staleTooOld } from "../stale-too-old.js";
import type { FeedListener } from "../watch/change-feed.js";
import { type CacheClock, systemClock } from "./cache-clock.js";
import { type CacheEntry, originIn, secretIn } from "./cache-entry.js";
import { cacheKey } from "./cache-key.js";
import type { CacheSettings } from "./cache-settings.js";
import { type CachePlace, CacheStore } from "./cache-store.js";
import { type EntryView, isSpared, judgeEntry } from "./judge-entry.js";
import { ManagerFetches, retryPauseMs, type VersionRef } from "./manager-fetches.js";
import { isOutage } from "./outage.js";
import { late, SharedFetch } from "./shared-fetch.js";

/** What a cache works with. */
export interface SecretCacheParts {
  readonly manager: GuardedManager;
  readonly counts: CacheCounts;
  /** Those in force now. */
  readonly settings: () => CacheSettings;
  /** The system's unless given. */
  readonly clock?: CacheClock | undefined;
}

/** A read that what is kept could not answer at once. */
interface Reading {
  readonly call: Call;
  readonly request: VersionRef;
  readonly key: string;
}

/** How long the manager is waited for at most while there is something else to answer with. */
const maxPatienceMs = 1_000;

/**
 * Gives answers of the manager again for a while. It stands behind the decision: whoever reads is allowed to before this
 * is asked, and what one caller was told is given to another only where the manager says that it tells all the same.
 */
export class SecretCache implements FeedListener {
  readonly #manager: GuardedManager;
  readonly #counts: CacheCounts;
  readonly #settings: () => CacheSettings;
  readonly #clock: CacheClock;
  readonly #store: CacheStore;
  readonly #fetches: ManagerFetches;
  #currentSinceMs = -Infinity;

  constructor({ manager, counts, settings, clock = systemClock }: SecretCacheParts) {
    this.#manager = manager;
    this.#counts = counts;
    this.#settings = settings;
    this.#clock = clock;
    this.#store = new CacheStore(counts);
    this.#fetches = new ManagerFetches({ manager, store: this.#store, clock, settings });
  }

  /**
   * Reads a version; at once where it is kept, or the manager has it at hand.
   * @throws SecretError or rejects with one: the guard's, `STALE_TOO_OLD`
   */
  read(call: Call, request: VersionRef): Found | Promise<Found> {
    const key = this.#settings().ttlMs === 0 ? undefined : this.#keyOf(call, request);
    if (key === undefined) return this.#pass(call, request);
    const place = this.#store.find(request.name, key);
    const found = place?.entry === undefined ? undefined : this.#give(call, request, [place, place.entry]);
    return found ?? this.#ask({ call, request, key });
  }

  /** Asks for an active version whatever is kept, so that it is at hand for whoever reads next. @throws SecretError */
  async renew(call: Call, name: SecretName): Promise<void> {
    const request = { name };
    const key = this.#settings().ttlMs === 0 ? undefined : this.#keyOf(call, request);
    if (key === undefined) return;
    const place = this.#store.open(name, key);
    const running = place.fetch?.isGivenUp === false ? place.fetch : undefined;
    if (running === undefined) this.#counts.refreshes += 1;
    const asked = running ?? this.#fetches.begin(call, request, { place, isBackground: true });
    if (asked instanceof SharedFetch) await asked.wait(call);
  }

  /** Makes a change; what is kept of the names is dropped before anybody hears that it was made. */
  async change<T>(names: readonly SecretName[], work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      // A change that failed may have been made.
      for (const name of names) this.drop(name);
    }
  }

  /** Drops what is kept of a name, and wipes what can be wiped. */
  drop(name: SecretName): void {
    this.#store.drop(name);
  }

  /** {@inheritDoc FeedListener.changed} */
  changed(name: SecretName): void {
    this.drop(name);
  }

  /** {@inheritDoc FeedListener.allChanged} */
  allChanged(): void {
    this.#currentSinceMs = this.#clock.nowMs();
  }

  /** Drops everything. */
  clear(): void {
    this.#store.dropAll();
  }

  /** Drops everything, and gives up what is under way. */
  close(): void {
    this.#store.dropAll();
    this.#fetches.close();
  }

  #keyOf(call: Call, { version, options }: VersionRef): string | undefined {
    return cacheKey({
      principal: this.#manager.hasSharedReads ? undefined : call.caller.principal,
      version,
      options: this.#manager.optionsFor(call, options),
    });
  }

  #pass(call: Call, request: VersionRef): Found | Promise<Found> {
    const secret = this.#fetches.ask(call, request);
    return secret instanceof Promise ? secret.then(foundNow) : foundNow(secret);
  }

  /** Answers with what is kept, if that is good enough; sees to it that it is kept fresh. */
  #give(call: Call, request: VersionRef, [place, entry]: readonly [CachePlace, CacheEntry]): Found | undefined {
    if (this.#isExpired(entry)) {
      this.#store.erase(place);
      return undefined;
    }
    const view = this.#view(request);
    const verdict = judgeEntry(entry, view);
    if (verdict === "fallback" || verdict === "useless") return undefined;
    const isStale = verdict === "failing";
    this.#store.touch(place);
    const found = { secret: secretIn(entry), origin: originIn(entry, view.nowMs, isStale) };
    this.#counts[found.origin.servedFrom === "stale" ? "stale" : "hits"] += 1;
    if (verdict !== "fresh") this.#refresh(call, request, [place, entry]);
    return found;
  }

  #view({ maxStalenessMs = Infinity }: VersionRef): EntryView {
    const nowMs = this.#clock.nowMs();
    return { nowMs, maxStalenessMs, currentSinceMs: this.#currentSinceMs, settings: this.#settings() };
  }

  #isExpired({ expireAtMs }: CacheEntry): boolean {
    return expireAtMs !== Infinity && expireAtMs <= this.#clock.wallMs();
  }

  /** Asks the manager in the background, unless it is being asked or has just failed. */
  #refresh(
    call: Call,
    { name, version, options }: VersionRef,
    [place, entry]: readonly [CachePlace, CacheEntry],
  ): void {
    if (place.fetch !== undefined || isSpared(entry, this.#clock.nowMs())) return;
    this.#counts.refreshes += 1;
    try {
      this.#fetches.begin(call, { name, version, options }, { place, isBackground: true });
    } catch {
      // The guard has logged it, and the entry knows.
    }
  }

  #ask(reading: Reading): Found | Promise<Found> {
    const { call, request, key } = reading;
    call.assertLive();
    const place = this.#store.open(request.name, key);
    const running = this.#joinable(place, request);
    if (running === undefined) return this.#askAlone(reading, place);
    this.#counts.joined += 1;
    return this.#join(reading, running);
  }

  /** A question that is under way, if its answer will be new enough. */
  #joinable({ fetch }: CachePlace, { maxStalenessMs = Infinity }: VersionRef): SharedFetch | undefined {
    if (fetch === undefined || fetch.isGivenUp || maxStalenessMs === 0) return undefined;
    const waitedMs = this.#clock.nowMs() - fetch.askedAtMs;
    const isNewEnough = waitedMs <= Math.min(maxStalenessMs, this.#settings().ttlMs);
    return isNewEnough && fetch.askedAtMs > this.#currentSinceMs ? fetch : undefined;
  }

  #askAlone(reading: Reading, place: CachePlace): Found | Promise<Found> {
    this.#counts.misses += 1;
    let asked: Secret | undefined | SharedFetch;
    try {
      asked = this.#fetches.begin(reading.call, reading.request, { place, isBackground: false });
    } catch (error) {
      return this.#insteadOf(error, reading);
    }
    return asked instanceof SharedFetch ? this.#answerBy(reading, asked, askedNow) : foundNow(asked);
  }

  async #join(reading: Reading, fetch: SharedFetch): Promise<Found> {
    const startMs = this.#clock.nowMs();
    const found = await this.#answerBy(reading, fetch, undefined);
    if (this.#isNewEnough(found, reading.request)) return found;
    // It took longer than the bound allows, or whoever was asked had it from before. Those who find that together ask
    // together: what is asked after a read began is asked for that read.
    const place = this.#store.open(reading.request.name, reading.key);
    const next = place.fetch;
    if (next === undefined || next.isGivenUp || next.askedAtMs < startMs) return await this.#askAlone(reading, place);
    return await this.#answerBy(reading, next, askedNow);
  }

  /** That something is not there carries no age, so it must not be older than what is remembered of that. */
  #isNewEnough({ secret, origin }: Found, { maxStalenessMs = Infinity }: VersionRef): boolean {
    const boundMs = secret === undefined ? Math.min(maxStalenessMs, this.#settings().negativeTtlMs) : maxStalenessMs;
    return (origin.ageMs ?? 0) <= boundMs;
  }

  /**
   * Waits for the manager's answer; what is kept takes its place when there will be none, or none for a long time.
   * @param origin where an answer of the manager's own comes from; by default from before this read
   */
  async #answerBy(reading: Reading, fetch: SharedFetch, origin: ReadOrigin | undefined): Promise<Found> {
    const { call } = reading;
    try {
      const patienceMs = Math.min(maxPatienceMs, Math.max((call.deadlineMs - Date.now()) / 2, 0));
      const answer = await fetch.wait(call, this.#fallback(reading) && patienceMs);
      if (answer !== late) return this.#foundBy(answer, fetch, origin);
    } catch (error) {
      if (call.isInterruption(error)) throw error;
      return this.#insteadOf(error, reading);
    }
    const kept = this.#fallback(reading);
    if (kept === undefined) return await this.#answerBy(reading, fetch, origin);
    kept.retryAtMs = this.#clock.nowMs() + retryPauseMs;
    return this.#giveStale(kept);
  }

  #foundBy(secret: Secret | undefined, fetch: SharedFetch, origin: ReadOrigin | undefined): Found {
    const freshness = secret?.freshness;
    if (origin !== undefined && freshness === undefined) return { secret, origin };
    const ageMs = this.#clock.nowMs() - fetch.askedAtMs + (freshness?.ageMs ?? 0);
    return { secret, origin: { servedFrom: freshness?.isStale === true ? "stale" : "cache", ageMs } };
  }

  /** @throws SecretError the failure itself, or that what is kept is too old */
  #insteadOf(error: unknown, reading: Reading): Found {
    const kept = this.#kept(reading);
    if (kept === undefined || !isOutage(error)) throw error;
    const { name, maxStalenessMs = Infinity } = reading.request;
    const { maxStaleMs } = this.#settings();
    // Whoever wants the truth of now, or is never given anything else, is told why there is none.
    if (maxStalenessMs === 0 || maxStaleMs === 0) throw error;
    const boundMs = Math.min(maxStalenessMs, maxStaleMs);
    const ageMs = this.#clock.nowMs() - kept.asOfMs;
    if (ageMs <= boundMs) return this.#giveStale(kept);
    this.#counts.tooOld += 1;
    throw staleTooOld(name, { ageMs, boundMs, cause: error });
  }

  /** What may be given should the manager fail. */
  #fallback(reading: Reading): CacheEntry | undefined {
    const kept = this.#kept(reading);
    if (kept === undefined) return undefined;
    return judgeEntry(kept, this.#view(reading.request)) === "useless" ? undefined : kept;
  }

  #kept({ request, key }: Reading): CacheEntry | undefined {
    const entry = this.#store.find(request.name, key)?.entry;
    return entry?.secret === undefined || this.#isExpired(entry) ? undefined : entry;
  }

  #giveStale(entry: CacheEntry): Found {
    this.#counts.stale += 1;
    return { secret: secretIn(entry), origin: originIn(entry, this.#clock.nowMs(), true) };
  }
}
