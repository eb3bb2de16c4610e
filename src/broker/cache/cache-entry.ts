import { payloadByteLength } from "../../domain/payload.js";
import type { Secret } from "../../domain/secret.js";
import type { ReadOrigin } from "../read-origin.js";

/** One answer of the manager, as it is kept. */
export interface CacheEntry {
  /** Frozen, and with bytes of its own; undefined for confirmed absence. */
  readonly secret: Secret | undefined;
  /** When it was the truth at the latest, by the monotonic clock. */
  readonly asOfMs: number;
  /** Whether whoever knows could not be asked even then. */
  readonly isStale: boolean;
  /** When the version stops being readable, in milliseconds since the epoch. */
  readonly expireAtMs: number;
  /** Which share of the configured times counts for it, so that not everything comes due together. */
  readonly share: number;
  readonly bytes: number;
  /** Before this the manager is not asked again, as it has just failed to answer; undefined while it has not. */
  retryAtMs: number | undefined;
}

/** What an entry takes beside its texts and bytes. */
const overheadBytes = 600;

/** A character in memory, and once more in the answer that is kept encoded. */
const bytesPerCharacter = 3;

/** What is known when an answer comes. */
export interface EntryFacts {
  readonly asOfMs: number;
  readonly share: number;
  /** What tells the question from others. */
  readonly keyLength: number;
}

/** Makes an answer one that can be kept. */
export function entryOf(answer: Secret | undefined, { asOfMs, share, keyLength }: EntryFacts): CacheEntry {
  return {
    secret: answer === undefined ? undefined : ownSecret(answer),
    asOfMs,
    isStale: answer?.freshness?.isStale === true,
    expireAtMs: answer?.expireTime?.getTime() ?? Infinity,
    share,
    bytes: overheadBytes + keyLength * 2 + sizeOf(answer),
    retryAtMs: undefined,
  };
}

/** The entry's secret for one reader: text is shared, bytes are copied, as the entry's own are wiped one day. */
export function secretIn({ secret }: CacheEntry): Secret | undefined {
  if (secret === undefined || typeof secret.payload === "string") return secret;
  return { ...secret, payload: new Uint8Array(secret.payload) };
}

/** How old the entry is, and whether its reader must know that the manager could not be asked. */
export function originIn(entry: CacheEntry, nowMs: number, isStale: boolean): ReadOrigin {
  return {
    servedFrom: isStale || entry.isStale ? "stale" : "cache",
    ageMs: Math.max(nowMs - entry.asOfMs, 0),
  };
}

/** Overwrites the bytes. Text cannot be overwritten; it goes when the memory is collected. */
export function wipe({ secret }: CacheEntry): void {
  if (secret !== undefined && typeof secret.payload !== "string") secret.payload.fill(0);
}

function ownSecret(answer: Secret): Secret {
  // One and the same for every reader from now on, so it is hashed and encoded once, and none may change it.
  if (typeof answer.payload === "string") {
    Object.freeze(answer.tags);
    return Object.freeze(answer);
  }
  return { ...answer, payload: new Uint8Array(answer.payload) };
}

function sizeOf(answer: Secret | undefined): number {
  if (answer === undefined) return 0;
  const { payload, description = "", tags = {} } = answer;
  const text = Object.entries(tags).reduce((sum, [key, value]) => sum + key.length + value.length, description.length);
  return text * bytesPerCharacter + payloadByteLength(payload) * (typeof payload === "string" ? bytesPerCharacter : 1);
}
