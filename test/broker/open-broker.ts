import { AuditLog } from "../../src/audit/audit-log.js";
import type { AuditSink } from "../../src/audit/audit-sink.js";
import { Broker } from "../../src/broker/broker.js";
import type { BrokerSettings } from "../../src/broker/broker-settings.js";
import type { CacheClock } from "../../src/broker/cache/cache-clock.js";
import type { CacheSettings } from "../../src/broker/cache/cache-settings.js";
import { FollowedCache } from "../../src/broker/cache/followed-cache.js";
import type { SecretCache } from "../../src/broker/cache/secret-cache.js";
import { Call, type CallIdentity } from "../../src/broker/call.js";
import { Enforcement } from "../../src/broker/enforcement.js";
import { GuardedManager } from "../../src/broker/guarded-manager.js";
import { ManagerBreaker } from "../../src/broker/manager-breaker.js";
import { SecretWatches } from "../../src/broker/watch/secret-watches.js";
import { PayloadHashes } from "../../src/broker/payload-hashes.js";
import { VirtualKeys } from "../../src/broker/virtual-keys.js";
import type { SecretManager } from "../../src/contract/secret-manager.js";
import { type Payload, payloadBytes } from "../../src/domain/payload.js";
import { parseSecretName, type SecretName } from "../../src/domain/secret-name.js";
import { createLog } from "../../src/log/create-log.js";
import type { Log } from "../../src/log/log.js";
import { compilePolicy, type AccessSettings } from "../../src/policy/compile-policy.js";
import { BrokerMetrics } from "../../src/telemetry/broker-metrics.js";

/** What a test reads of an audit record. */
export interface RecordLine {
  readonly phase: string;
  readonly request_id: string;
  readonly action: string;
  readonly name?: string;
  readonly decision: string;
  readonly rule: string;
  readonly outcome?: string;
  readonly version?: number;
  readonly uid?: string;
  readonly payload_hash?: string;
  readonly option_keys?: readonly string[];
  readonly cause?: string;
  readonly latency_us?: number;
}

/** Keeps audit records; refuses them while `isFailing`, and tells `onWrite` of each batch. */
export class KeptRecords implements AuditSink {
  readonly description = "kept in the test";
  isFailing = false;
  text = "";
  onWrite: (lines: string) => void = () => undefined;

  write(bytes: Buffer): Promise<void> {
    if (this.isFailing) return Promise.reject(new Error("the disk is full"));
    const lines = bytes.toString();
    this.text += lines;
    this.onWrite(lines);
    return Promise.resolve();
  }

  tend(): Promise<void> {
    return this.isFailing ? Promise.reject(new Error("the disk is full")) : Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  get records(): RecordLine[] {
    return this.text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as RecordLine);
  }
}

/** What stands for the hash of a payload in these records: so that a test can tell which one it was. */
export function shownHash(payload: Payload): string {
  return `hash of ${String(payloadBytes(payload).length)} bytes`;
}

/** A log at the lowest level whose lines are kept. */
export function keptLog(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  return { log: createLog("trace", { write: (line: string) => lines.push(line) }), lines };
}

/** A call that lives for ten seconds. */
export function liveCall(changes: Partial<CallIdentity> = {}): Call {
  const caller = { principal: "local", groups: [], provenBy: "none", peer: "unix" } as const;
  return new Call({ caller, requestId: "request-1", deadlineMs: Date.now() + 10_000, ...changes });
}

/** A call whose deadline comes soon. */
export function shortCall(remainingMs = 30): Call {
  return liveCall({ deadlineMs: Date.now() + remainingMs });
}

/** A safe name. */
export function nameOf(name: string): SecretName {
  return parseSecretName(name);
}

/** A manager behind a guard, and what the guard logged. */
export function guard(
  manager: SecretManager,
  maxPayloadBytes: number = 1024 * 1024,
): { readonly guarded: GuardedManager; readonly lines: string[]; readonly metrics: BrokerMetrics } {
  const { log, lines } = keptLog();
  const metrics = new BrokerMetrics();
  return {
    guarded: new GuardedManager(manager, { log, metrics, maxPayloadBytes: () => maxPayloadBytes }),
    lines,
    metrics,
  };
}

/** What a test's broker may have otherwise. */
export interface OpenBrokerOptions {
  readonly access?: Partial<AccessSettings>;
  readonly settings?: Partial<BrokerSettings>;
  readonly clock?: CacheClock;
}

/** A cache that keeps nothing. */
export const cacheOff: CacheSettings = {
  ttlMs: 0,
  refreshAheadMs: 0,
  staleWhileRevalidateMs: 0,
  maxStaleMs: 0,
  negativeTtlMs: 0,
  maxBytes: 1024 * 1024,
  jitter: 0,
  fetchTimeoutMs: 5_000,
};

/** A whole broker around a manager, with everything it wrote at hand. */
export interface OpenedBroker {
  readonly broker: Broker;
  readonly watches: SecretWatches;
  readonly followed: FollowedCache;
  readonly cache: SecretCache;
  readonly metrics: BrokerMetrics;
  readonly enforcement: Enforcement;
  readonly virtualKeys: VirtualKeys;
  readonly guarded: GuardedManager;
  readonly sink: KeptRecords;
  readonly audit: AuditLog;
  readonly lines: readonly string[];
}

/** Opens a broker that allows everything unless told otherwise. */
export function openBroker(manager: SecretManager, { access, settings, clock }: OpenBrokerOptions = {}): OpenedBroker {
  const { log, lines } = keptLog();
  const metrics = new BrokerMetrics();
  const sink = new KeptRecords();
  const audit = new AuditLog({ sink, log });
  const policy = compilePolicy({
    accessMode: "read_and_write",
    hostedKeys: undefined,
    hostedPrefix: undefined,
    ...access,
  });
  const inForce: BrokerSettings = {
    policy,
    boundOptions: new Map(),
    virtualKeys: undefined,
    maxPayloadBytes: 1024 * 1024,
    batchConcurrency: 4,
    maxBatchBytes: 64 * 1024 * 1024,
    watch: { heartbeatMs: 60_000, pollIntervalMs: 20, readTimeoutMs: 5_000, concurrency: 4 },
    cache: cacheOff,
    breaker: undefined,
    ...settings,
  };
  const guarded = new GuardedManager(manager, {
    log,
    metrics,
    maxPayloadBytes: () => inForce.maxPayloadBytes,
    boundOptions: () => inForce.boundOptions,
    breaker: new ManagerBreaker({ settings: () => inForce.breaker, counts: metrics.breaker }),
  });
  const payloadHashes = new PayloadHashes(shownHash);
  const enforcement = new Enforcement({ audit, metrics, policy: () => inForce.policy, payloadHashes });
  const watches = new SecretWatches({ manager: guarded, enforcement, log, settings: () => inForce.watch });
  const cacheParts = { manager: guarded, counts: metrics.cache, settings: () => inForce.cache, clock };
  const followed = new FollowedCache({ ...cacheParts, watches, log });
  const { cache } = followed;
  const broker = new Broker({ manager: guarded, cache, enforcement, metrics, watches, settings: () => inForce });
  return {
    broker,
    watches,
    followed,
    cache,
    metrics,
    enforcement,
    virtualKeys: new VirtualKeys(broker, () => inForce),
    guarded,
    sink,
    audit,
    lines,
  };
}
