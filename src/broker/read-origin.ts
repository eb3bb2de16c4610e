import type { Secret } from "../domain/secret.js";

/** Where an answer came from, and how old it is. */
export interface ReadOrigin {
  /** `stale` is an answer that is given because the manager could not be asked. */
  readonly servedFrom: "manager" | "cache" | "stale";
  /** How long ago it was the truth at the latest, in milliseconds; undefined when the manager was asked for this read. */
  readonly ageMs: number | undefined;
}

/** What was found, undefined being confirmed absence, and where. */
export interface Found {
  readonly secret: Secret | undefined;
  readonly origin: ReadOrigin;
}

/** The manager was asked, and knows itself. */
export const askedNow: ReadOrigin = Object.freeze({ servedFrom: "manager", ageMs: undefined });

/** What the manager answered now, with what it says of its age. */
export function foundNow(secret: Secret | undefined): Found {
  const freshness = secret?.freshness;
  if (freshness === undefined) return { secret, origin: askedNow };
  return { secret, origin: { servedFrom: freshness.isStale ? "stale" : "cache", ageMs: freshness.ageMs } };
}
