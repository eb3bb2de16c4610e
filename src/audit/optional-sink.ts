import type { AuditSink } from "./audit-sink.js";
import { countLines } from "./line-buffer.js";
import { SinkLane } from "./sink-lane.js";

/** How much waits for a sink at most; what comes on top is missing there. */
const maxPendingBytes = 4 * 1024 * 1024;

/** What an optional sink tells. */
export interface OptionalSinkEvents {
  /** It failed, or does again what it should after so many records went missing. */
  readonly onState: (state: { readonly works: boolean; readonly missing: number; readonly thrown?: unknown }) => void;
  /** So many records are missing from it. */
  readonly onMissing: (records: number) => void;
}

/** A sink that nobody waits for: it gets what it can take, and what it cannot is counted. */
export class OptionalSink {
  readonly #sink: AuditSink;
  readonly #lane: SinkLane;
  readonly #events: OptionalSinkEvents;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #works = true;
  #missing = 0;

  constructor(sink: AuditSink, deadlineMs: number, events: OptionalSinkEvents) {
    this.#sink = sink;
    this.#lane = new SinkLane(deadlineMs);
    this.#events = events;
  }

  /** Takes whole lines. */
  offer(lines: Buffer): void {
    if (this.#pendingBytes + lines.length > maxPendingBytes) {
      this.#miss(lines);
    } else {
      this.#pending.push(lines);
      this.#pendingBytes += lines.length;
    }
    this.#pump();
  }

  /** Looks after the sink, and tries it again when it failed. */
  tend(): void {
    if (this.#lane.isBusy) return;
    void this.#attempt(() => this.#sink.tend()).then(() => {
      this.#pump();
    });
  }

  /** Writes what waits, if the sink takes it, and closes it. */
  async close(): Promise<void> {
    if (this.#pendingBytes > 0 && !this.#lane.isBusy) await this.#write(this.#takePending());
    await this.#attempt(() => this.#sink.close());
  }

  #pump(): void {
    if (this.#pendingBytes === 0 || !this.#works || this.#lane.isBusy) return;
    void this.#write(this.#takePending()).then(() => {
      this.#pump();
    });
  }

  #takePending(): Buffer {
    const lines = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    return lines;
  }

  async #write(lines: Buffer): Promise<void> {
    if (!(await this.#attempt(() => this.#sink.write(lines)))) this.#miss(lines);
  }

  async #attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await this.#lane.run(work);
    } catch (thrown) {
      if (this.#works) this.#events.onState({ works: false, missing: 0, thrown });
      this.#works = false;
      return false;
    }
    if (!this.#works) this.#events.onState({ works: true, missing: this.#missing });
    this.#works = true;
    this.#missing = 0;
    return true;
  }

  #miss(lines: Buffer): void {
    const records = countLines(lines);
    this.#missing += records;
    this.#events.onMissing(records);
  }
}
