import { type AuditKey, createAuditVerifierOf } from "../audit/audit-key.js";
import { AuditLog, type AuditLogOptions } from "../audit/audit-log.js";
import type { AuditSink } from "../audit/audit-sink.js";
import type { ChainedSink } from "../audit/chained-sink.js";
import { CombinedSink } from "../audit/combined-sink.js";
import { OptionalSink } from "../audit/optional-sink.js";
import type { Verification } from "../audit/verify-chain.js";
import { type AuditVerification, noOwnTrail } from "../broker/administration.js";
import type { AuditStatus } from "../broker/broker-status.js";
import { PayloadHashes } from "../broker/payload-hashes.js";
import type { RefusedCalls } from "../broker/refused-calls.js";
import type { AuditConfig, AuditSinkConfig } from "../config/audit-config.js";
import { SecretError } from "../domain/secret-error.js";
import { openAuditKey } from "./audit-key-file.js";
import { openAuditSink, type OpenAuditOptions } from "./open-audit-sink.js";
import { trailNotes } from "./trail-notes.js";
import { type KeptTrail, keptTrail } from "./verify-audit.js";

/** What a trail is opened with, beside its configuration. */
export type AuditTrailOptions = Omit<AuditLogOptions, "sink" | "timeoutMs"> &
  Omit<OpenAuditOptions, "key"> & {
    /** Told how many records are missing from a sink that is not required. */
    readonly onMissing?: (records: number) => void;
    /** Those that are refused before policy is asked; recorded here until the end. */
    readonly refused?: RefusedCalls;
  };

/** How often a verification begins again because the file it looks at was put aside meanwhile. */
const maxAttempts = 3;

/** How much longer than its sinks, which end by themselves, all of them together are waited for. */
const graceMs = 500;

interface OpenedSink {
  readonly config: AuditSinkConfig;
  readonly sink: ChainedSink;
}

/** The audit trail of this process: what writes it, what tells payloads apart in it, and whether it is whole. */
export class AuditTrail {
  readonly log: AuditLog;
  readonly payloadHashes: PayloadHashes;
  readonly #key: AuditKey;
  readonly #sinks: readonly OpenedSink[];
  readonly #refused: RefusedCalls | undefined;
  #records = 0;
  #lastWriteTime: Date | undefined;

  private constructor(options: AuditTrailOptions, key: AuditKey, sinks: readonly OpenedSink[]) {
    this.#key = key;
    this.#sinks = sinks;
    this.payloadHashes = new PayloadHashes((payload) => key.payloadHash(payload));
    this.log = new AuditLog({
      ...options,
      ...combined(sinks, options),
      onBatch: (records, durationMs, isWritten) => {
        if (isWritten) this.#note(records);
        options.onBatch?.(records, durationMs, isWritten);
      },
    });
    this.#refused = options.refused;
    this.#refused?.recordIn(this.log);
  }

  /** @throws SecretError `CONFIG_INVALID` */
  static async open({ keyPath, sinks }: AuditConfig, options: AuditTrailOptions): Promise<AuditTrail> {
    const key = await openAuditKey(keyPath, options.log);
    const opened: OpenedSink[] = [];
    try {
      for (const config of sinks) opened.push({ config, sink: await openAuditSink(config, { ...options, key }) });
    } catch (error) {
      await Promise.allSettled(opened.map(({ sink }) => sink.close()));
      throw error;
    }
    return new AuditTrail(options, key, opened);
  }

  get status(): AuditStatus {
    return { healthy: this.log.healthy, records: this.#records, lastWriteTime: this.#lastWriteTime };
  }

  /**
   * Verifies everything that was written, up to now, while more is written.
   * @param from leaves out files that end before
   * @throws SecretError `CAPABILITY_UNSUPPORTED` where the trail is not kept here, `AUDIT_UNAVAILABLE` where it cannot
   * be read
   */
  async verify(from: Date | undefined): Promise<AuditVerification> {
    const kept = this.#sinks.flatMap(({ config, sink }) => {
      const trail = keptTrail(config, this.#key.id);
      return trail === undefined ? [] : [{ trail, sink }];
    });
    if (kept.length === 0) throw noOwnTrail();
    try {
      const found: Verification[] = [];
      for (const { trail, sink } of kept) found.push(await this.#verify(trail, sink, from));
      return summaryOf(found, from);
    } catch (cause) {
      throw new SecretError("AUDIT_UNAVAILABLE", "the audit trail cannot be read", { cause });
    }
  }

  /** Writes what is pending and ends the trail. */
  async close(): Promise<void> {
    await this.#refused?.close();
    await this.log.close();
  }

  async #verify(trail: KeptTrail, sink: ChainedSink, from: Date | undefined): Promise<Verification> {
    const verifier = createAuditVerifierOf(this.#key);
    for (let attempt = 1; ; attempt += 1) {
      const { end: expected, bytes: upTo, opened } = sink.position;
      const found = await trail.verify({ verifier, expected, upTo, from });
      if (opened === sink.position.opened || attempt === maxAttempts) return found;
    }
  }

  #note(records: number): void {
    this.#records += records;
    this.#lastWriteTime = new Date();
  }
}

/** What is told of several trails, of which one that is not whole is enough. */
function summaryOf(found: readonly Verification[], from: Date | undefined): AuditVerification {
  const [first] = found.flatMap(({ faults }) => faults);
  const records = Math.max(...found.map((each) => each.records));
  if (first !== undefined)
    return { isIntact: false, records, problem: `${first.file}:${String(first.line)}: ${first.message}` };
  const notes = new Set(found.flatMap((each) => trailNotes(each, from)));
  return { isIntact: true, records, problem: notes.size === 0 ? undefined : [...notes].join("; ") };
}

/** One sink alone needs nothing around it: the log waits for it no longer than its deadline either. */
function combined(
  sinks: readonly OpenedSink[],
  options: AuditTrailOptions,
): { readonly sink: AuditSink; readonly timeoutMs: number } {
  const [first, ...others] = sinks;
  if (first !== undefined && others.length === 0) return { sink: first.sink, timeoutMs: first.config.deadlineMs };
  const required = sinks.filter(({ config }) => config.required);
  const deadlines = required.map(({ config }) => config.deadlineMs);
  const optional = sinks.filter(({ config }) => !config.required).map((each) => optionalSink(each, options));
  const all = required.map(({ sink, config: { deadlineMs } }) => ({ sink, deadlineMs }));
  return { sink: new CombinedSink(all, optional), timeoutMs: Math.max(...deadlines) + graceMs };
}

function optionalSink({ sink, config }: OpenedSink, { log, onMissing }: AuditTrailOptions): OptionalSink {
  return new OptionalSink(sink, config.deadlineMs, {
    onMissing: (records) => onMissing?.(records),
    onState: ({ works, missing, thrown }) => {
      const facts = { sink: sink.description };
      if (works) log.info({ ...facts, missing }, "an audit sink that is not required is written again");
      else log.warn(facts, "an audit sink that is not required cannot be written; it misses records", { thrown });
    },
  });
}
