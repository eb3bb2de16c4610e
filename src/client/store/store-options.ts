import { SecretError } from "../../domain/secret-error.js";
import type { StoreClock } from "./store-clock.js";

/** How a store keeps secrets. */
export interface StoreOptions {
  /** Names that must be there before the store is; they are never given up for others. */
  readonly secrets?: readonly string[] | undefined;
  /** How long to wait for them, in milliseconds; 30,000 unless given. */
  readonly startTimeoutMs?: number | undefined;
  /** How old a value may be at most: past it there is an error instead. In milliseconds; 900,000 unless given. */
  readonly maxStalenessMs?: number | undefined;
  /** Up to which age a value counts as fresh; past it, it is marked `stale`. In milliseconds; 60,000 unless given. */
  readonly freshForMs?: number | undefined;
  /** How often the broker is asked where it cannot tell of changes, in milliseconds; 15,000 unless given. */
  readonly pollIntervalMs?: number | undefined;
  /** For how long a name that was not there is not asked for again, in milliseconds; 5,000 unless given. */
  readonly negativeTtlMs?: number | undefined;
  /** How many secrets are kept besides the declared ones; 1,000 unless given. */
  readonly maxEntries?: number | undefined;
  /** How many bytes all payloads may take before others than declared ones are given up; 16 MiB unless given. */
  readonly maxBytes?: number | undefined;
  /** For how long a keyring keeps a version after another took over, in milliseconds; 0 unless given. */
  readonly keyringGraceMs?: number | undefined;
  /** Told why the broker could not be asked, for the log. Values keep aging meanwhile. */
  readonly onProblem?: ((problem: SecretError) => void) | undefined;
  /** The time it lives by; the machine's unless given. */
  readonly clock?: StoreClock | undefined;
  /** What spreads clients that were started together: a number from 0 to 1; `Math.random` unless given. */
  readonly random?: (() => number) | undefined;
}

/** The numbers of {@link StoreOptions}, checked. */
export interface StoreSettings {
  readonly startTimeoutMs: number;
  readonly maxStalenessMs: number;
  readonly freshForMs: number;
  readonly pollIntervalMs: number;
  readonly negativeTtlMs: number;
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly keyringGraceMs: number;
}

const dayMs = 86_400_000;

/** Setting → unless given, the least, the most. */
const ranges = {
  startTimeoutMs: [30_000, 1, dayMs],
  maxStalenessMs: [900_000, 1, 30 * dayMs],
  freshForMs: [60_000, 1, 30 * dayMs],
  pollIntervalMs: [15_000, 10, dayMs],
  negativeTtlMs: [5_000, 0, dayMs],
  maxEntries: [1_000, 0, 9_000],
  maxBytes: [16 * 1024 * 1024, 0, 2 ** 40],
  keyringGraceMs: [0, 0, 30 * dayMs],
} as const;

/**
 * Checks the numbers.
 * @throws SecretError `FIELD_INVALID` that names all that are wrong
 */
export function checkStoreOptions(options: StoreOptions): StoreSettings {
  const given = (field: keyof StoreSettings): number => options[field] ?? ranges[field][0];
  const maxStalenessMs = given("maxStalenessMs");
  const settings = {
    startTimeoutMs: given("startTimeoutMs"),
    maxStalenessMs,
    freshForMs: options.freshForMs ?? Math.min(given("freshForMs"), maxStalenessMs),
    pollIntervalMs: given("pollIntervalMs"),
    negativeTtlMs: given("negativeTtlMs"),
    maxEntries: given("maxEntries"),
    maxBytes: given("maxBytes"),
    keyringGraceMs: given("keyringGraceMs"),
  };
  const violations = Object.entries(ranges).flatMap(([field, [, least, most]]) => {
    const value = settings[field as keyof StoreSettings];
    if (value >= least && value <= most) return [];
    return [{ field, description: `must be from ${String(least)} to ${String(most)}` }];
  });
  if (settings.freshForMs > settings.maxStalenessMs) {
    violations.push({ field: "freshForMs", description: "must not be above maxStalenessMs" });
  }
  if (violations.length > 0) throw SecretError.fieldInvalid(violations);
  return settings;
}
