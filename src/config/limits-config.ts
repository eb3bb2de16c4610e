/** Bounds of the server. */
export interface LimitsConfig {
  readonly maxPayloadBytes: number;
  /** All of a call's metadata, names and values. */
  readonly maxMetadataBytes: number;
  /** For each connection. */
  readonly maxConcurrentStreams: number;
  /** How many reads of one batch are asked of the manager at once. */
  readonly batchConcurrency: number;
  /** All payloads of one batch's answer; at least `maxPayloadBytes`. */
  readonly maxBatchBytes: number;
  /** Of all connections together. */
  readonly maxConcurrentCalls: number;
  /** Of all connections together. */
  readonly maxWatches: number;
  /** Of all callers together. */
  readonly rate: RateConfig | undefined;
  readonly perPrincipal: PrincipalLimitsConfig;
  readonly connections: ConnectionLimitsConfig;
}

/** Bounds of connections, of all listeners together. */
export interface ConnectionLimitsConfig {
  readonly maxConnections: number;
  readonly handshakeTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
}

/** How many calls in what time. */
export interface RateConfig {
  readonly perSecond: number;
  /** How many at once after a pause. */
  readonly burst: number;
}

/** What one principal may use; undefined for no bound. */
export interface PrincipalLimitsConfig {
  readonly rate: RateConfig | undefined;
  readonly concurrentCalls: number | undefined;
  readonly concurrentWatches: number | undefined;
}
