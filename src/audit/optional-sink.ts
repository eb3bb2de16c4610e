import type { AuditSink } from "./audit-sink.js";
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
  #pending = "";
  #works = true;
  #missing = 0;

  constructor(sink: AuditSink, deadlineMs: number, events: OptionalSinkEvents) {
    this.#sink = sink;
    this.#lane = new SinkLane(deadlineMs);
    this.#events = events;
  }

  /** Takes whole lines. */
  offer(lines: string): void {
    if (this.#pending.length + lines.length > maxPendingBytes) this.#miss(lines);
    else this.#pending += lines;
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
    const lines = this.#pending;
    this.#pending = "";
    if (lines !== "" && !this.#lane.isBusy) await this.#write(lines);
    await this.#attempt(() => this.#sink.close());
  }

  #pump(): void {
    if (this.#pending === "" || !this.#works || this.#lane.isBusy) return;
    const lines = this.#pending;
    this.#pending = "";
    void this.#write(lines).then(() => {
      this.#pump();
    });
  }

  async #write(lines: string): Promise<void> {
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

  #miss(lines: string): void {
    const records = lines.split("\n").length - 1;
    this.#missing += records;
    this.#events.onMissing(records);
  }
}
