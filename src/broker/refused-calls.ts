import type { AuditLog } from "../audit/audit-log.js";
import type { Action } from "../domain/action.js";
import type { Caller } from "../domain/caller.js";
import type { SecretName } from "../domain/secret-name.js";
import type { Call } from "./call.js";
import { type RateLimit, TokenBucket } from "./token-bucket.js";

/** What refuses calls before policy is asked; the rule of their records. */
export type Gate = "authentication" | "limits";

/** A call that was refused before policy was asked. */
export interface Refusal {
  readonly gate: Gate;
  /** The reason it was answered with. */
  readonly reason: string;
  readonly action: Action;
  /** What it was about, if its request says so. */
  readonly name: SecretName | undefined;
}

/** How many refusals have a record of their own, and how often those that have none are told. */
export interface RefusalBounds {
  /** Of one caller: a principal, or the address of whoever has not proven to be one. */
  readonly perCaller: RateLimit;
  /** Of all callers together. */
  readonly inAll: RateLimit;
  readonly summaryMs: number;
}

/** Some 50 MB a day at most, however many come; a mistake, or a try by hand, is on record call by call. */
const standardBounds: RefusalBounds = {
  perCaller: { perSecond: 0.2, burst: 20 },
  inAll: { perSecond: 2, burst: 200 },
  summaryMs: 10_000,
};

/** How many callers are told apart; the one that was refused for the first time longest ago goes first. */
const maxCallers = 1_000;

/** Calls of one kind that have no record of their own. */
interface LeftOut {
  readonly gate: Gate;
  readonly reason: string;
  count: number;
}

/**
 * Puts on record who was refused before policy was asked. Whoever has no credential can send such calls without end, so
 * records are bounded: what is beyond the bounds is answered at once, and counted in a record that comes later.
 */
export class RefusedCalls {
  readonly #bounds: RefusalBounds;
  readonly #inAll: TokenBucket;
  // caller → what it may still have recorded
  readonly #byCaller = new Map<string, TokenBucket>();
  // gate and reason → the calls
  #leftOut = new Map<string, LeftOut>();
  #audit: AuditLog | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(bounds: RefusalBounds = standardBounds) {
    this.#bounds = bounds;
    this.#inAll = new TokenBucket(bounds.inAll);
  }

  /** Where records go from now on. */
  recordIn(audit: AuditLog): void {
    this.#audit = audit;
  }

  /**
   * Records a refusal, unless there are too many.
   * @returns what to wait for before the answer, which never rejects: nothing was let in, so a trail that cannot be
   * written changes nothing about the answer, and the call is counted. Undefined when there is nothing to wait for
   */
  record(call: Call, refusal: Refusal): Promise<void> | undefined {
    const { gate, reason, action, name } = refusal;
    if (this.#audit === undefined || !this.#mayRecord(call.caller)) {
      this.#leaveOut({ gate, reason, count: 1 });
      return undefined;
    }
    const { requestId, caller, startMs } = call;
    const latencyMs = performance.now() - startMs;
    const common = { phase: "outcome", allowed: false, rule: gate, outcome: reason } as const;
    return this.#audit.record({ ...common, requestId, caller, action, name, latencyMs }).catch(() => {
      this.#leaveOut({ gate, reason, count: 1 });
    });
  }

  /** Records how many were left out until now. */
  async close(): Promise<void> {
    await this.#summarize();
    clearTimeout(this.#timer);
  }

  #mayRecord(caller: Caller): boolean {
    return this.#bucketOf(callerKey(caller)).tryTake() && this.#inAll.tryTake();
  }

  #bucketOf(key: string): TokenBucket {
    const known = this.#byCaller.get(key);
    if (known !== undefined) return known;
    const [oldest] = this.#byCaller.keys();
    if (oldest !== undefined && this.#byCaller.size >= maxCallers) this.#byCaller.delete(oldest);
    const bucket = new TokenBucket(this.#bounds.perCaller);
    this.#byCaller.set(key, bucket);
    return bucket;
  }

  #leaveOut({ gate, reason, count }: LeftOut): void {
    const key = `${gate} ${reason}`;
    const known = this.#leftOut.get(key);
    if (known === undefined) this.#leftOut.set(key, { gate, reason, count });
    else known.count += count;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#summarize();
    }, this.#bounds.summaryMs).unref();
  }

  /** Never rejects: what cannot be written is counted on. */
  async #summarize(): Promise<void> {
    const audit = this.#audit;
    if (audit === undefined) return;
    const all = [...this.#leftOut.values()];
    this.#leftOut = new Map();
    const written = all.map(async (each) => {
      const { gate: rule, reason: outcome, count: leftOut } = each;
      const common = { phase: "outcome", requestId: "", caller: many, action: undefined, allowed: false } as const;
      await audit.record({ ...common, rule, outcome, leftOut }).catch(() => {
        this.#leaveOut(each);
      });
    });
    await Promise.all(written);
  }
}

/** Whoever made the calls that are counted together. */
const many: Caller = Object.freeze<Caller>({ principal: "", groups: [], provenBy: "none", peer: "" });

/** An address without its port: a stranger has as many ports as there are. */
function callerKey({ principal, peer }: Caller): string {
  if (principal !== "") return principal;
  const port = peer.lastIndexOf(":");
  return port === -1 ? peer : peer.slice(0, port);
}
