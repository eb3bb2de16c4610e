import type { AuditSink } from "./audit-sink.js";
import type { OptionalSink } from "./optional-sink.js";
import { SinkLane } from "./sink-lane.js";

/** A sink that calls are refused without. */
export interface RequiredSink {
  readonly sink: AuditSink;
  readonly deadlineMs: number;
}

/** Several sinks as one: written once all that are required have been, each within its own deadline. */
export class CombinedSink implements AuditSink {
  readonly description: string;
  readonly #required: readonly { readonly sink: AuditSink; readonly lane: SinkLane }[];
  readonly #optional: readonly OptionalSink[];

  constructor(required: readonly RequiredSink[], optional: readonly OptionalSink[]) {
    this.description = required.map(({ sink }) => sink.description).join(", ");
    this.#required = required.map(({ sink, deadlineMs }) => ({ sink, lane: new SinkLane(deadlineMs) }));
    this.#optional = optional;
  }

  async write(lines: Buffer): Promise<void> {
    for (const each of this.#optional) each.offer(lines);
    await this.#all((sink) => sink.write(lines));
  }

  async tend(): Promise<void> {
    for (const each of this.#optional) each.tend();
    await this.#all((sink) => sink.tend());
  }

  async close(): Promise<void> {
    const optional = this.#optional.map((each) => each.close());
    await Promise.all([this.#all((sink) => sink.close()), ...optional]);
  }

  /** Every sink is called whatever the others do, and the first failure is the failure of all. */
  async #all(work: (sink: AuditSink) => Promise<void>): Promise<void> {
    const ends = this.#required.map(({ sink, lane }) => lane.run(() => work(sink)));
    await Promise.all(ends);
  }
}
