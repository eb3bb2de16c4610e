import type { CacheEntry } from "./cache-entry.js";
import type { CacheSettings } from "./cache-settings.js";

/** How an entry is looked at. */
export interface EntryView {
  readonly nowMs: number;
  /** The oldest answer the reader takes; Infinity when it leaves that to the settings. */
  readonly maxStalenessMs: number;
  /** Entries from before may have missed a change, and are given only while the manager fails. */
  readonly currentSinceMs: number;
  readonly settings: CacheSettings;
}

/**
 * What an entry is good for: to be given as it is; to be given while the manager is asked in the background; to be given,
 * marked, as the manager has just failed; to be given, marked, should the manager fail; or for nothing.
 */
export type Verdict = "fresh" | "aging" | "failing" | "fallback" | "useless";

/** Judges an entry by its age. */
export function judgeEntry(entry: CacheEntry, view: EntryView): Verdict {
  const { nowMs, currentSinceMs, settings } = view;
  const ageMs = nowMs - entry.asOfMs;
  if (isRefused(entry, ageMs, view)) return "useless";
  const isCurrent = entry.asOfMs > currentSinceMs;
  if (entry.secret === undefined) {
    // That something is not there is never told but by who knows it, or knew it a moment ago.
    return isCurrent && ageMs <= settings.negativeTtlMs * entry.share ? "fresh" : "useless";
  }
  const verdict = isCurrent ? judgeCurrent(entry, ageMs, settings) : undefined;
  if (verdict !== undefined) return verdict;
  if (ageMs > settings.maxStaleMs) return "useless";
  return isSpared(entry, nowMs) ? "failing" : "fallback";
}

/** Whether the reader does not take it, or it was stale when the manager gave it and that is not given any more. */
function isRefused({ isStale }: CacheEntry, ageMs: number, { maxStalenessMs, settings }: EntryView): boolean {
  if (maxStalenessMs === 0 || ageMs > maxStalenessMs) return true;
  return isStale && settings.maxStaleMs === 0;
}

/** Whether the manager is not to be asked for it yet. */
export function isSpared({ retryAtMs }: CacheEntry, nowMs: number): boolean {
  return retryAtMs !== undefined && nowMs < retryAtMs;
}

function judgeCurrent(
  entry: CacheEntry,
  ageMs: number,
  { ttlMs, refreshAheadMs, staleWhileRevalidateMs }: CacheSettings,
): Verdict | undefined {
  const freshMs = ttlMs * entry.share;
  if (ageMs <= freshMs - refreshAheadMs || (refreshAheadMs === 0 && ageMs <= freshMs)) return "fresh";
  if (ageMs <= freshMs) return "aging";
  if (ageMs > freshMs + staleWhileRevalidateMs) return undefined;
  return entry.retryAtMs === undefined ? "aging" : "failing";
}
