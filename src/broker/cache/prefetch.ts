import { isDeepStrictEqual } from "node:util";
import { SecretError } from "../../domain/secret-error.js";
import { parseSecretName, type SecretName } from "../../domain/secret-name.js";
import type { Log } from "../../log/log.js";
import { matchesPattern } from "../../policy/segment-pattern.js";
import type { GuardedManager } from "../guarded-manager.js";
import { runConcurrently } from "../run-concurrently.js";
import type { FeedListener } from "../watch/change-feed.js";
import { ownCaller, withOwnCall } from "../watch/own-call.js";
import type { CacheSettings } from "./cache-settings.js";
import { retryPauseMs } from "./manager-fetches.js";
import { listMatching } from "./list-matching.js";
import type { SecretCache } from "./secret-cache.js";

/** What a prefetch works with. */
export interface PrefetchParts {
  readonly cache: SecretCache;
  readonly manager: GuardedManager;
  /** Those in force now. */
  readonly settings: () => CacheSettings;
  readonly log: Log;
}

/** How soon what has changed is read again, at most: brokers that are told together do not ask together. */
const changeSpreadMs = 500;

/** How soon a list that failed is asked for again, in milliseconds. */
const listRetryMs = 5_000;

/** How often it is looked which names there are, in milliseconds, or each `ttl` where that is longer. */
const listIntervalMs = 60_000;

/**
 * Keeps the answers for some names in the cache before anybody reads them, and renews each before its time is over, at a
 * moment that is drawn anew each time. It asks as the broker itself and gives nothing to anybody: whoever reads is decided
 * on and recorded as for any other read.
 */
export class Prefetch implements FeedListener {
  readonly #parts: PrefetchParts;
  // name → when it is read next
  readonly #timers = new Map<SecretName, NodeJS.Timeout | undefined>();
  #running: { readonly settings: RunKey; readonly end: AbortController } | undefined;
  #listTimer: NodeJS.Timeout | undefined;
  #isListed = true;

  constructor(parts: PrefetchParts) {
    this.#parts = parts;
  }

  /** Begins, ends or begins anew, as the settings have it now. */
  adjust(): void {
    const { manager, settings: inForce } = this.#parts;
    const { ttlMs, prefetch } = inForce();
    // Refused at a start; a reload may still bring it.
    if (prefetch !== undefined && !manager.hasSharedReads) return;
    const settings: RunKey = [ttlMs, prefetch?.names];
    if (isDeepStrictEqual(this.#running?.settings, settings)) return;
    this.close();
    if (prefetch === undefined || ttlMs === 0) return;
    const end = new AbortController();
    this.#running = { settings, end };
    void this.#begin(end.signal);
  }

  /** Reads nothing more. */
  close(): void {
    this.#running?.end.abort();
    this.#running = undefined;
    clearTimeout(this.#listTimer);
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  /** {@inheritDoc FeedListener.changed} */
  changed(name: SecretName): void {
    const { prefetch } = this.#parts.settings();
    if (prefetch?.names.some((pattern) => matchesPattern(name, pattern)) === true) this.#readSoon(name);
  }

  /** {@inheritDoc FeedListener.allChanged} */
  allChanged(): void {
    for (const name of this.#timers.keys()) this.#readSoon(name);
  }

  async #begin(signal: AbortSignal): Promise<void> {
    const names = await this.#findNames(signal);
    if (isOver(signal)) return;
    for (const name of names) this.#timers.set(name, undefined);
    this.#listAgain(signal);
    const concurrency = this.#parts.settings().prefetch?.concurrency ?? 1;
    const outcomes = await runConcurrently(names, concurrency, async (name) => await this.#read(name, signal));
    if (isOver(signal)) return;
    const read = outcomes.filter((isRead) => isRead).length;
    const facts = { names: names.length, failed: names.length - read };
    const { log } = this.#parts;
    if (read === names.length) log.info(facts, "what the cache is to hold from the start was read");
    else log.warn(facts, "some of what the cache is to hold from the start could not be read; it is tried again");
  }

  /** The names that are written out, and those the manager has for patterns. */
  async #findNames(signal: AbortSignal): Promise<SecretName[]> {
    const { manager, settings } = this.#parts;
    const { prefetch, fetchTimeoutMs } = settings();
    const written = prefetch?.names ?? [];
    const names = new Set(written.filter((name) => !isPattern(name)).map((name) => parseSecretName(name)));
    const limits = { signal, timeoutMs: fetchTimeoutMs };
    let failed: { readonly pattern: string; readonly thrown: unknown } | undefined;
    for (const pattern of written.filter(isPattern)) {
      try {
        const found = await withOwnCall("prefetch", limits, (call) => listMatching(manager, call, pattern));
        for (const name of found) names.add(name);
      } catch (thrown) {
        failed = { pattern, thrown };
      }
    }
    if (!isOver(signal)) this.#noteListing(failed);
    return [...names];
  }

  /** Says once that names cannot be listed, and not each time it is tried. */
  #noteListing(failed: { readonly pattern: string; readonly thrown: unknown } | undefined): void {
    if (failed !== undefined && this.#isListed) {
      const { pattern, thrown } = failed;
      this.#parts.log.warn({ pattern }, "the names for a pattern in secret_broker.cache.prefetch cannot be listed", {
        thrown,
      });
    }
    this.#isListed = failed === undefined;
  }

  /** Names come and go; a list that fails leaves those there are. */
  #listAgain(signal: AbortSignal): void {
    const { prefetch, ttlMs } = this.#parts.settings();
    if (prefetch?.names.some(isPattern) !== true) return;
    const waitMs = this.#isListed ? Math.max(listIntervalMs, ttlMs) : listRetryMs;
    this.#listTimer = setTimeout(
      () => {
        void this.#readListed(signal);
      },
      waitMs * (1 - Math.random() / 2),
    ).unref();
  }

  async #readListed(signal: AbortSignal): Promise<void> {
    const names = await this.#findNames(signal);
    if (isOver(signal)) return;
    const wanted = new Set(names);
    for (const [name, timer] of this.#timers) {
      if (wanted.has(name) || !this.#isListed) continue;
      clearTimeout(timer);
      this.#timers.delete(name);
    }
    for (const name of names) if (!this.#timers.has(name)) this.#readSoon(name);
    this.#listAgain(signal);
  }

  #readSoon(name: SecretName): void {
    this.#readIn(Math.random() * changeSpreadMs, name);
  }

  #readIn(waitMs: number, name: SecretName): void {
    const signal = this.#running?.end.signal;
    if (signal === undefined) return;
    clearTimeout(this.#timers.get(name));
    const timer = setTimeout(() => {
      void this.#read(name, signal);
    }, waitMs).unref();
    this.#timers.set(name, timer);
  }

  /** Reads a name and sets the time of its next read; whether it could be read. */
  async #read(name: SecretName, signal: AbortSignal): Promise<boolean> {
    const { cache, settings } = this.#parts;
    const startMs = performance.now();
    const { fetchTimeoutMs, prefetch } = settings();
    // Not what nobody may be given now: that is hosted elsewhere, frozen, or only written.
    const isReleased = prefetch?.bounds.decide(ownCaller, "read", name).allowed === true;
    const isRead =
      isReleased &&
      (await withOwnCall("prefetch", { signal, timeoutMs: fetchTimeoutMs }, (call) => cache.renew(call, name)).then(
        () => true,
        () => false, // The guard has logged why.
      ));
    if (!isOver(signal)) this.#readIn(this.#waitMs(isRead, performance.now() - startMs), name);
    return isRead;
  }

  /** From half of the shortest time an answer may be kept to nine tenths, so that there is time to be answered. */
  #waitMs(isRead: boolean, tookMs: number): number {
    const { ttlMs, jitter } = this.#parts.settings();
    const waitMs = ttlMs * (1 - jitter) * (0.5 + 0.4 * Math.random());
    return isRead ? Math.max(waitMs - tookMs, 0) : Math.max(waitMs, retryPauseMs);
  }
}

/** Makes sure that a prefetch is of use. @throws SecretError `CONFIG_INVALID` where what is read for nobody in particular could be given to nobody */
export function assertPrefetchable({ hasSharedReads, name }: GuardedManager, { prefetch }: CacheSettings): void {
  if (prefetch === undefined || hasSharedReads) return;
  const advice = "have it declare supports.sharedReads if it does, or remove the setting";
  const message = `cache.prefetch needs a manager that tells every caller the same, and ${name} does not say so; ${advice}`;
  throw new SecretError("CONFIG_INVALID", message);
}

/** What a run is for; another one begins when it changes. */
type RunKey = readonly [ttlMs: number, names: readonly string[] | undefined];

/** Asked again after each wait, as a run may end meanwhile. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** Whether an entry stands for names that must be listed first. */
function isPattern(entry: string): boolean {
  return entry.includes("*");
}
