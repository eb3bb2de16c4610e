/** How answers are kept and given again. Nothing is kept while `ttlMs` is 0. */
export interface CacheConfig {
  readonly ttlMs: number;
  readonly refreshAheadMs: number;
  readonly staleWhileRevalidateMs: number;
  readonly maxStaleMs: number;
  readonly negativeTtlMs: number;
  readonly maxBytes: number;
  /** A share of each time, 0 to 0.5. */
  readonly jitter: number;
  /** Names and patterns of what is read before anybody asks for it. */
  readonly prefetch: readonly string[];
  /** The file that outlasts a restart; undefined for none. */
  readonly snapshot: { readonly path: string } | undefined;
}

/** When a manager that fails is spared. */
export interface BreakerConfig {
  /** In a row. */
  readonly failures: number;
  readonly openForMs: number;
  readonly patienceMs: number;
  /** Undefined for no bound. */
  readonly maxPending: number | undefined;
}
