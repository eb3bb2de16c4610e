import { setTimeout as setTimeoutPromise } from "node:timers/promises";
import { SecretError } from "../domain/secret-error.js";
import type { Log } from "../log/log.js";
import { type AuditRecord, AuditRecordFormat } from "./audit-record.js";
import type { AuditSink } from "./audit-sink.js";
import { IsoClock } from "./iso-clock.js";
import { LineBuffer } from "./line-buffer.js";

/** How long a sink may take for one batch, unless another time is given, before calls are refused. */
const defaultTimeoutMs = 2_000;

/** How long records may gather at most while other calls are still on their way to theirs. */
const maxGatherMs = 5;

/**
 * How many times as long as handing over a write takes records gather. Waking the thread that writes costs from a few
 * to more than a hundred microseconds, depending on the machine; so it takes some percent of the time on any.
 */
const gatherPerHandover = 32;

/** How much room a batch's lines get: more than those of the batch before took. */
const minRoom = 1_024;
const roomPerNeed = 1.25;

/** How often the sink looks after what it has written, and is tried again while it fails. */
const tendIntervalMs = 1_000;

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
  /** How long the sink may take for one batch before calls are refused. */
  readonly timeoutMs?: number;
}

interface Batch {
  readonly lines: LineBuffer;
  records: number;
  readonly written: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: SecretError) => void;
}

/**
 * The audit trail. Every caller waits for its own record, and the cost of a write is shared: it is handed to the system
 * as soon as all calls under way wait for it or for a manager, or after a few milliseconds. A lone caller waits for
 * nobody; under load a write carries dozens of records, where handing over each could cost as much as answering its call.
 */
export class AuditLog {
  readonly #options: AuditLogOptions;
  readonly #callsUnderWay: () => number;
  readonly #timeoutMs: number;
  readonly #clock = new IsoClock();
  readonly #format = new AuditRecordFormat();
  #pending: Batch | undefined;
  /** The batch that is being written. */
  #current: Batch | undefined;
  #writing: Promise<void> | undefined;
  #flushTimer: NodeJS.Timeout | undefined;
  #isFlushDue = false;
  /** Enough for a batch like the last one. */
  #room = minRoom;
  /** How long handing over a write takes; a moving average. */
  #handoverMs = 0;
  #healthy = true;
  #closed = false;
  readonly #tending: NodeJS.Timeout;
  #isTendDue = false;
  /** How many calls wait for something else, and have their record only after it. */
  #callsElsewhere = 0;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#callsUnderWay = options.callsUnderWay ?? ((): number => 0);
    this.#timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    this.#tending = setInterval(() => {
      this.#isTendDue = true;
      if (this.#writing === undefined) this.#flush();
    }, tendIntervalMs).unref();
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
    batch.lines.append(this.#format.format(record, this.#clock.now()));
    batch.records += 1;
    if (this.#isComplete(batch)) this.#flushSoon();
    return batch.written;
  }

  /** Waits for something that a call's record comes after; meanwhile the records of others do not wait for that one. */
  async awaitElsewhere<T>(work: Promise<T>): Promise<T> {
    this.#callsElsewhere += 1;
    if (this.#pending !== undefined && this.#isComplete(this.#pending)) this.#flushSoon();
    try {
      return await work;
    } finally {
      this.#callsElsewhere -= 1;
    }
  }

  /** Takes no more records, writes what is pending and closes the sink; gives up on a sink that hangs. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#tending);
    this.#flush();
    await this.#atMost(this.#drain());
    try {
      await this.#atMost(this.#options.sink.close());
    } catch (thrown) {
      const { sink, log } = this.#options;
      log.error({ sink: sink.description }, "the audit trail could not be ended", { thrown });
    }
  }

  async #atMost(work: Promise<void>): Promise<void> {
    await Promise.race([work, setTimeoutPromise(this.#timeoutMs, undefined, { ref: false })]);
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
    // Whoever waits for the record sees the failure; a batch that nobody waits for any more must not end the process.
    promise.catch(() => undefined);
    return { lines: new LineBuffer(this.#room), records: 0, written: promise, resolve, reject };
  }

  /** Whether no other call is about to have a record. */
  #isComplete(batch: Batch): boolean {
    return batch.records >= this.#callsUnderWay() - this.#callsElsewhere;
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
    if (batch === undefined && !this.#isTendDue) return;
    if (batch !== undefined) this.#room = Math.max(minRoom, batch.lines.bytes.length * roomPerNeed);
    this.#pending = undefined;
    this.#writing = this.#writeAndTend(batch).finally(() => {
      this.#writing = undefined;
      // Once those it answered are gone; until then they count as under way.
      if (this.#pending !== undefined) setImmediate(this.#flushIfDue);
    });
  };

  /** Two halves that take turns would cost twice as many writes as one batch of all. */
  readonly #flushIfDue = (): void => {
    if (this.#pending === undefined) return;
    if (this.#flushTimer === undefined || this.#isComplete(this.#pending)) this.#flush();
  };

  async #writeAndTend(batch: Batch | undefined): Promise<void> {
    if (batch !== undefined) await this.#write(batch);
    if (!this.#isTendDue) return;
    this.#isTendDue = false;
    await this.#attempt(() => this.#options.sink.tend());
  }

  async #write(batch: Batch): Promise<void> {
    const startMs = performance.now();
    this.#current = batch;
    const error = await this.#attempt(async () => {
      const write = this.#options.sink.write(batch.lines.bytes);
      this.#handoverMs += (performance.now() - startMs - this.#handoverMs) / 8;
      await write;
    });
    this.#current = undefined;
    if (error === undefined) batch.resolve();
    this.#options.onBatch?.(batch.records, performance.now() - startMs, error === undefined);
  }

  /** Gives the failure; whoever waits is told of it, and that it is too slow before it ends. */
  async #attempt(work: () => Promise<void>): Promise<SecretError | undefined> {
    let isDone = false;
    const timer = setTimeout(() => {
      // Where the thread was busy for so long, what came meanwhile is heard of before this.
      setImmediate(() => {
        if (!isDone) this.#fail(new Error("the audit sink is too slow"));
      });
    }, this.#timeoutMs);
    try {
      await work();
      isDone = true;
      this.#recover();
      return undefined;
    } catch (error) {
      isDone = true;
      return this.#fail(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #recover(): void {
    if (this.#healthy) return;
    this.#healthy = true;
    this.#options.log.info({ sink: this.#options.sink.description }, "audit records are written again");
    this.#options.onHealth?.(true);
  }

  #fail(error: unknown): SecretError {
    const failure = unavailable(error);
    this.#current?.reject(failure);
    this.#pending?.reject(failure);
    this.#pending = undefined;
    if (!this.#healthy) return failure;
    this.#healthy = false;
    const { sink, log, onHealth } = this.#options;
    log.error({ sink: sink.description }, "audit records cannot be written; every call is refused", { thrown: error });
    onHealth?.(false);
    return failure;
  }
}

function unavailable(cause?: unknown): SecretError {
  return new SecretError("AUDIT_UNAVAILABLE", "the audit record could not be written, so the call is refused", {
    ...(cause !== undefined && { cause }),
  });
}
