import type { Policy } from "../../policy/policy.js";

/** How answers are kept and given again. */
export interface CacheSettings {
  /** How long an answer is given again without asking; nothing is kept at 0. */
  readonly ttlMs: number;
  /** How long before that ends a read has the manager asked in the background. */
  readonly refreshAheadMs: number;
  /** How long after that an answer is still given at once, while the manager is asked in the background. */
  readonly staleWhileRevalidateMs: number;
  /** The age up to which an answer is given while the manager fails; none is at 0. */
  readonly maxStaleMs: number;
  /** How long it is remembered that a secret is not there; it is not at 0. */
  readonly negativeTtlMs: number;
  readonly maxBytes: number;
  /** By which share of its time, drawn for each answer, it is asked for anew earlier. */
  readonly jitter: number;
  /** How long a question for several callers, or for none, may take. */
  readonly fetchTimeoutMs: number;
  /** What is read before anybody asks for it; undefined for nothing. */
  readonly prefetch?: PrefetchSettings | undefined;
}

/** What is read before anybody asks for it. */
export interface PrefetchSettings {
  /** Names, and patterns of names that the manager is asked for. */
  readonly names: readonly string[];
  /** How many are asked for at once at the start. */
  readonly concurrency: number;
  /** What nobody may read under this is not asked for. */
  readonly bounds: Policy;
}
