import type { Secret } from "../../domain/secret.js";
import { Call } from "../call.js";
import type { GuardedManager } from "../guarded-manager.js";
import type { ReadRef } from "../secret-ref.js";
import type { CacheClock } from "./cache-clock.js";
import { entryOf } from "./cache-entry.js";
import type { CacheSettings } from "./cache-settings.js";
import type { CachePlace, CacheStore } from "./cache-store.js";
import { isOutage, isRefutation } from "./outage.js";
import { staleTooOld } from "../stale-too-old.js";
import { type FetchFacts, SharedFetch } from "./shared-fetch.js";

/** Which version to read. */
export interface VersionRef extends ReadRef {
  /** The active one when undefined. */
  readonly version?: number | undefined;
}

/** What fetches work with. */
export interface FetchParts {
  readonly manager: GuardedManager;
  readonly store: CacheStore;
  readonly clock: CacheClock;
  readonly settings: () => CacheSettings;
}

/** Where an answer belongs, and whether anybody waits for it. */
export interface FetchTarget {
  readonly place: CachePlace;
  readonly isBackground: boolean;
}

/** How long a manager that has failed is not asked again for the same. */
export const retryPauseMs = 1_000;

/** Asks the manager, and keeps what it answers. */
export class ManagerFetches {
  readonly #parts: FetchParts;
  readonly #running = new Set<SharedFetch>();

  constructor(parts: FetchParts) {
    this.#parts = parts;
  }

  /**
   * Asks and keeps nothing.
   * @throws SecretError or rejects with one: the guard's, `STALE_TOO_OLD` where the manager itself kept what it answers
   */
  ask(call: Call, request: VersionRef): Secret | undefined | Promise<Secret | undefined> {
    const { manager, settings } = this.#parts;
    const { maxStaleMs } = settings();
    const { version } = request;
    const asked = withinBound(request, maxStaleMs);
    const reply = version === undefined ? manager.readAtOnce(call, asked) : manager.readVersion(call, asked, version);
    return reply instanceof Promise
      ? reply.then((secret) => newEnough(secret, request.name, maxStaleMs))
      : newEnough(reply, request.name, maxStaleMs);
  }

  /** Asks; what the manager has at hand is kept and returned at once. @throws SecretError what it fails with at once */
  begin(call: Call, request: VersionRef, target: FetchTarget): Secret | undefined | SharedFetch {
    const { clock, settings } = this.#parts;
    const { place, isBackground } = target;
    const askedAtMs = clock.nowMs();
    const { caller, requestId, traceparent } = call;
    // Of its own, as whoever joins may have more time than the one who asked first.
    const timeoutMs = settings().fetchTimeoutMs;
    const deadlineMs = Math.max(isBackground ? 0 : call.deadlineMs, Date.now() + timeoutMs);
    const own = new Call({ caller, requestId, traceparent, deadlineMs });
    try {
      const reply = this.ask(own, request);
      if (reply instanceof Promise) {
        place.fetch = this.#follow(reply, own, { ...target, askedAtMs, timeoutMs });
        return place.fetch;
      }
      this.#keep(place, reply, askedAtMs);
      return reply;
    } catch (error) {
      this.#noteFailure(place, error);
      throw error;
    }
  }

  /** Gives up everything that is under way. */
  close(): void {
    for (const fetch of this.#running) fetch.cancel();
  }

  #follow(reply: Promise<Secret | undefined>, own: Call, { place, ...facts }: FetchTarget & FetchFacts): SharedFetch {
    const settle = (): void => {
      own.end();
      this.#running.delete(fetch);
      if (place.fetch === fetch) place.fetch = undefined;
    };
    const answer = reply.then(
      (secret) => {
        settle();
        this.#keep(place, secret, facts.askedAtMs);
        return secret;
      },
      (error: unknown) => {
        settle();
        this.#noteFailure(place, error);
        throw error;
      },
    );
    const fetch = new SharedFetch(own, answer, facts);
    this.#running.add(fetch);
    return fetch;
  }

  #keep(place: CachePlace, secret: Secret | undefined, askedAtMs: number): void {
    const { store, settings } = this.#parts;
    const { ttlMs, negativeTtlMs, jitter, maxBytes } = settings();
    const asOfMs = askedAtMs - (secret?.freshness?.ageMs ?? 0);
    // A question that was put later may have been answered first.
    const isOutdone = place.entry !== undefined && place.entry.asOfMs > asOfMs;
    if (place.isDropped || isOutdone || ttlMs === 0) {
      store.closeIfEmpty(place);
    } else if (secret === undefined && negativeTtlMs === 0) {
      store.erase(place);
    } else {
      const share = 1 - Math.random() * jitter;
      const keyLength = place.name.length + place.key.length;
      store.keep(place, entryOf(secret, { asOfMs, share, keyLength }), maxBytes);
      store.closeIfEmpty(place);
    }
  }

  #noteFailure(place: CachePlace, error: unknown): void {
    const { store, clock } = this.#parts;
    const { entry } = place;
    if (isRefutation(error)) store.erase(place);
    else if (entry !== undefined && isOutage(error)) entry.retryAtMs = clock.nowMs() + retryPauseMs;
    store.closeIfEmpty(place);
  }
}

/** A manager that keeps answers of another is not asked for any that could not be given. */
function withinBound(request: VersionRef, maxStaleMs: number): VersionRef {
  const { maxStalenessMs = Infinity } = request;
  return maxStaleMs === 0 || maxStalenessMs <= maxStaleMs ? request : { ...request, maxStalenessMs: maxStaleMs };
}

/**
 * Holds what the manager itself kept to this broker's own bound, whatever the other one allows: nothing is older than
 * `max_stale` where that is set, and without it nothing is stale. @throws SecretError `STALE_TOO_OLD`
 */
function newEnough(secret: Secret | undefined, name: string, maxStaleMs: number): Secret | undefined {
  const freshness = secret?.freshness;
  if (freshness === undefined) return secret;
  const { ageMs, isStale } = freshness;
  const isRefused = maxStaleMs === 0 ? isStale : ageMs > maxStaleMs;
  if (isRefused) throw staleTooOld(name, { ageMs, boundMs: maxStaleMs });
  return secret;
}
