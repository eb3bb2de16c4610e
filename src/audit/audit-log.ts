import { setTimeout as setTimeoutPromise } from "node:timers/promises";
import { SecretError } from "../domain/secret-error.js";
import type { Log } from "../log/log.js";
import { type AuditRecord, AuditRecordFormat } from "./audit-record.js";
import type { AuditSink } from "./audit-sink.js";
import { IsoClock } from "./iso-clock.js";

/** How long the sink may take for one batch before calls are refused. */
const writeTimeoutMs = 2_000;

/** How long records may gather at most while other calls are still on their way to theirs. */
const maxGatherMs = 5;

/**
 * How many times as long as handing over a write takes records gather. Waking the thread that writes costs from a few
 * to more than a hundred microseconds, depending on the machine; so it takes some percent of the time on any.
 */
const gatherPerHandover = 32;

/** How often a failed sink is tried again while no call does. */
const probeIntervalMs = 1_000;

/** Told of every batch, for metrics. */
export type BatchListener = (records: number, durationMs: number, written: boolean) => void;

/** What an audit log works with. */
export interface AuditLogOptions {
  readonly sink: AuditSink;
  readonly log: Log;
  readonly onBatch?: BatchListener;
  /** Told when the sink fails, and when it works again. */
  readonly onHealth?: (healthy: boolean) => void;
  /** How many calls are being answered now; without it nobody waits for others. */
  readonly callsUnderWay?: () => number;
}

interface Batch {
  lines: string;
  records: number;
  readonly written: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: SecretError) => void;
}

/**
 * The audit trail. Every caller waits for its own record, and the cost of a write is shared: it is handed to the system
 * as soon as all calls under way wait for it, or after a few milliseconds. A lone caller waits for nobody; under load a
 * write carries dozens of records, where handing over each could cost as much as answering its call.
 */
export class AuditLog {
  readonly #options: AuditLogOptions;
  readonly #callsUnderWay: () => number;
  readonly #clock = new IsoClock();
  readonly #format = new AuditRecordFormat();
  #pending: Batch | undefined;
  #writing: Promise<void> | undefined;
  #flushTimer: NodeJS.Timeout | undefined;
  #isFlushDue = false;
  /** How long handing over a write takes; a moving average. */
  #handoverMs = 0;
  #healthy = true;
  #closed = false;
  #probe: NodeJS.Timeout | undefined;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#callsUnderWay = options.callsUnderWay ?? ((): number => 0);
  }

  /** Whether the last batch could be written. */
  get healthy(): boolean {
    return this.#healthy;
  }

  /**
   * Refuses at once while the sink fails, so that nothing is asked of a manager that could not be recorded.
   * @throws SecretError `AUDIT_UNAVAILABLE`
   */
  assertAvailable(): void {
    if (!this.#healthy) throw unavailable();
  }

  /**
   * Resolves once the record is written.
   * @throws SecretError `AUDIT_UNAVAILABLE`: the record may be missing; the caller must not be answered otherwise.
   */
  record(record: AuditRecord): Promise<void> {
    if (!this.#healthy || this.#closed) return Promise.reject(unavailable());
    const batch = (this.#pending ??= this.#openBatch());
    batch.lines += `${this.#format.format(record, this.#clock.now())}\n`;
    batch.records += 1;
    if (batch.records >= this.#callsUnderWay()) this.#flushSoon();
    return batch.written;
  }

  /** Takes no more records, writes what is pending and closes the sink; gives up on a sink that hangs. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#probe);
    this.#flush();
    await Promise.race([this.#drain(), setTimeoutPromise(writeTimeoutMs, undefined, { ref: false })]);
    await this.#options.sink.close();
  }

  async #drain(): Promise<void> {
    while (this.#writing !== undefined || this.#pending !== undefined) {
      this.#flush();
      await this.#writing;
    }
  }

  #openBatch(): Batch {
    this.#flushTimer ??= setTimeout(this.#onGathered, Math.min(maxGatherMs, gatherPerHandover * this.#handoverMs));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Whoever waits for the record sees the failure; a batch that only a probe waits for must not end the process.
    promise.catch(() => undefined);
    return { lines: "", records: 0, written: promise, resolve, reject };
  }

  /** At the end of this turn, so that the records of one turn go together. */
  #flushSoon(): void {
    if (this.#isFlushDue || this.#writing !== undefined) return;
    this.#isFlushDue = true;
    setImmediate(this.#flush);
  }

  readonly #onGathered = (): void => {
    this.#flushTimer = undefined;
    this.#flush();
  };

  readonly #flush = (): void => {
    this.#isFlushDue = false;
    if (this.#writing !== undefined) return;
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    const batch = this.#pending;
    if (batch === undefined) return;
    this.#pending = undefined;
    this.#writing = this.#write(batch).finally(() => {
      this.#writing = undefined;
      // Once those it answered are gone; until then they count as under way.
      if (this.#pending !== undefined) setImmediate(this.#flushIfDue);
    });
  };

  /** Two halves that take turns would cost twice as many writes as one batch of all. */
  readonly #flushIfDue = (): void => {
    if (this.#pending === undefined) return;
    if (this.#flushTimer === undefined || this.#pending.records >= this.#callsUnderWay()) this.#flush();
  };

  async #write(batch: Batch): Promise<void> {
    const startMs = performance.now();
    const timer = setTimeout(() => {
      this.#fail(batch, new Error("the audit sink is too slow"));
    }, writeTimeoutMs);
    try {
      const write = this.#options.sink.write(batch.lines);
      this.#handoverMs += (performance.now() - startMs - this.#handoverMs) / 8;
      await write;
      this.#succeed(batch);
      this.#options.onBatch?.(batch.records, performance.now() - startMs, true);
    } catch (error) {
      this.#fail(batch, error);
      this.#options.onBatch?.(batch.records, performance.now() - startMs, false);
    } finally {
      clearTimeout(timer);
    }
  }

  #succeed(batch: Batch): void {
    batch.resolve();
    if (this.#healthy) return;
    this.#healthy = true;
    clearInterval(this.#probe);
    this.#options.log.info({ sink: this.#options.sink.description }, "audit records are written again");
    this.#options.onHealth?.(true);
  }

  #fail(batch: Batch, error: unknown): void {
    batch.reject(unavailable(error));
    this.#pending?.reject(unavailable(error));
    this.#pending = undefined;
    if (!this.#healthy) return;
    this.#healthy = false;
    const { sink, log, onHealth } = this.#options;
    log.error({ sink: sink.description }, "audit records cannot be written; every call is refused", { thrown: error });
    this.#probe = setInterval(() => {
      this.#tryAgain();
    }, probeIntervalMs).unref();
    onHealth?.(false);
  }

  /** An empty line proves the sink without inventing a record. */
  #tryAgain(): void {
    if (this.#writing !== undefined) return;
    this.#pending ??= this.#openBatch();
    this.#pending.lines += "\n";
    this.#flush();
  }
}

function unavailable(cause?: unknown): SecretError {
  return new SecretError("AUDIT_UNAVAILABLE", "the audit record could not be written, so the call is refused", {
    ...(cause !== undefined && { cause }),
  });
}
