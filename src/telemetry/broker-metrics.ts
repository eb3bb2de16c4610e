import { CacheCounts } from "./cache-counts.js";
import { LatencyHistogram } from "./latency-histogram.js";

/** What a manager is asked to do; the values of the label `operation`. */
export const managerOperations = [
  "read",
  "read_version",
  "batch_read",
  "write",
  "delete",
  "rotate",
  "list",
  "describe",
  "activate",
  "restore",
  "destroy",
  "watch",
  "forget",
  "health",
] as const;

/** One of {@link managerOperations}. */
export type ManagerOperation = (typeof managerOperations)[number];

/** What became of a manager's call: a read is `found` or `absent`, anything else `done`, and either may have `failed`. */
export const managerOutcomes = ["found", "absent", "failed", "done"] as const;

/** One of {@link managerOutcomes}. */
export type ManagerOutcome = (typeof managerOutcomes)[number];

/** What is counted of one operation. */
export interface OperationMetrics {
  readonly latency: LatencyHistogram;
  readonly callsByOutcome: Record<ManagerOutcome, number>;
}

/** How many secrets' names become labels before the rest is counted as {@link otherSecretName}. */
export const maxSecretNameLabels = 1_000;

/** The label of every secret beyond {@link maxSecretNameLabels}. */
export const otherSecretName = "other";

/** What is counted only when it is asked for. */
export interface BrokerMetricsOptions {
  /** Whether reads are counted by secret name. */
  readonly secretNames: boolean;
}

/** What happened to audit records. */
export interface AuditCounts {
  readonly records: number;
  /** Batches. */
  readonly written: number;
  readonly failed: number;
  /** How often something was lost of what was written. */
  readonly losses: number;
  /** Records that a sink which is not required did not get. */
  readonly missing: number;
}

/** What a breaker tells; plain facts that the exporter reads. */
export interface BreakerCounts {
  isOpen: boolean;
  /** Questions that were not put. */
  refused: number;
}

/** Counts what happens behind the calls: the manager's work, decisions and audit batches. */
export class BrokerMetrics {
  /** Whether reads are counted by secret name. */
  readonly secretNames: boolean;
  readonly #operations: ReadonlyMap<ManagerOperation, OperationMetrics>;
  readonly #readsByName = new Map<string, number>();
  /** What the cache counts. */
  readonly cache: CacheCounts = new CacheCounts();
  /** What the breaker in front of the manager tells. */
  readonly breaker: BreakerCounts = { isOpen: false, refused: 0 };
  readonly auditLatency: LatencyHistogram = new LatencyHistogram();
  #allowed = 0;
  #denied = 0;
  #auditRecords = 0;
  #auditBatchesWritten = 0;
  #auditBatchesFailed = 0;
  #auditLosses = 0;
  #auditMissing = 0;

  constructor(options: BrokerMetricsOptions = { secretNames: false }) {
    this.secretNames = options.secretNames;
    this.#operations = new Map(managerOperations.map((operation) => [operation, createOperationMetrics()]));
  }

  /** Counts one finished call of the manager. */
  managerCall(operation: ManagerOperation, outcome: ManagerOutcome, durationMs: number): void {
    const counted = this.#operations.get(operation);
    if (counted === undefined) return;
    counted.callsByOutcome[outcome] += 1;
    counted.latency.observe(durationMs);
  }

  /** Counts one decision of the policy. */
  decision(allowed: boolean): void {
    if (allowed) this.#allowed += 1;
    else this.#denied += 1;
  }

  /** Counts one batch of audit records; the records count only when they were written. */
  auditBatch(records: number, durationMs: number, ok: boolean): void {
    this.auditLatency.observe(durationMs);
    if (ok) {
      this.#auditRecords += records;
      this.#auditBatchesWritten += 1;
    } else this.#auditBatchesFailed += 1;
  }

  /** Counts that something was lost of the audit trail. */
  auditLoss(): void {
    this.#auditLosses += 1;
  }

  /** Counts records that an audit sink which is not required did not get. */
  auditMissing(records: number): void {
    this.#auditMissing += records;
  }

  /** Counts one read of a secret by its name, only where names were asked for. */
  secretRead(name: string): void {
    if (!this.secretNames) return;
    const known = this.#readsByName.get(name);
    const label = known === undefined && this.#readsByName.size >= maxSecretNameLabels ? otherSecretName : name;
    this.#readsByName.set(label, (this.#readsByName.get(label) ?? 0) + 1);
  }

  /** What was counted of every operation. */
  operations(): Iterable<[ManagerOperation, OperationMetrics]> {
    return this.#operations.entries();
  }

  /** Decisions by their outcome. */
  decisions(): { readonly allowed: number; readonly denied: number } {
    return { allowed: this.#allowed, denied: this.#denied };
  }

  /** What happened to audit records until now. */
  audit(): AuditCounts {
    const [records, written, failed] = [this.#auditRecords, this.#auditBatchesWritten, this.#auditBatchesFailed];
    return { records, written, failed, losses: this.#auditLosses, missing: this.#auditMissing };
  }

  /** Reads by secret name; empty unless names were asked for. */
  secretReads(): Iterable<[string, number]> {
    return this.#readsByName.entries();
  }
}

function createOperationMetrics(): OperationMetrics {
  return { latency: new LatencyHistogram(), callsByOutcome: { found: 0, absent: 0, failed: 0, done: 0 } };
}
