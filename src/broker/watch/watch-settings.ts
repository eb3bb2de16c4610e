/** How watches are served. */
export interface WatchSettings {
  /** How often it is said that the stream is alive. */
  readonly heartbeatMs: number;
  /** How often a manager is asked that tells of no changes. */
  readonly pollIntervalMs: number;
  /** How long the manager may take for each answer. */
  readonly readTimeoutMs: number;
  /** How many questions it is asked at once. */
  readonly concurrency: number;
}
