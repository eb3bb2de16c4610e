import { type RateLimit, TokenBucket } from "../broker/token-bucket.js";
import { SecretError } from "../domain/secret-error.js";
import { type OnWait, Turns } from "./turns.js";

/** Bounds of what is served; undefined for none. */
export interface CallLimitSettings {
  /** Of all calls, streams among them. */
  readonly rate: RateLimit | undefined;
  /** Unary calls that are answered at once. */
  readonly concurrentCalls: number;
  /** Watches that are open at once. */
  readonly watches: number;
  /** The same for each principal. */
  readonly perPrincipal: PrincipalLimits;
  /** Those of single principals, which replace the ones for each. */
  readonly byPrincipal: ReadonlyMap<string, PrincipalLimits>;
}

/** Bounds of what one principal is served; undefined for none. */
export interface PrincipalLimits {
  readonly rate?: RateLimit | undefined;
  readonly concurrentCalls?: number | undefined;
  readonly concurrentWatches?: number | undefined;
}

/** What is counted of one principal. */
interface Usage {
  readonly rate: MeasuredRate | undefined;
  readonly concurrentCalls: number;
  readonly concurrentWatches: number;
  callsUnderWay: number;
}

/** A rate, and those who wait for it. */
interface MeasuredRate {
  readonly bucket: TokenBucket;
  readonly turns: Turns;
}

/** What a call takes of the limits until it ends. */
export type Admission = "call" | "watch";

/** How many principals are remembered; of those that have nothing under way, the longest known goes first. */
const maxPrincipals = 10_000;

/** How long to wait where no rate says it. */
const retryAfterMs = 250;

/**
 * Refuses what is more than the broker, or a principal's share of it, is meant to bear. The refusal comes before a
 * decision, so a flood costs the manager nothing, and the audit trail next to nothing. What is said on a watch is not
 * refused, which would end it, but has to wait.
 */
export class CallLimits {
  readonly #settings: () => CallLimitSettings;
  #inForce: CallLimitSettings | undefined;
  #rate: MeasuredRate | undefined;
  /** Whether any limit is one of principals; most brokers have none. */
  #hasShares = false;
  // principal → what it uses
  #usages = new Map<string, Usage>();
  // principal → how many watches it has open; those of hours ago count, whatever was in force then
  readonly #watches = new Map<string, number>();
  #underWay: Record<Admission, number> = { call: 0, watch: 0 };

  /** @param settings those in force; another object puts others in force, and forgets what was counted of rates */
  constructor(settings: () => CallLimitSettings) {
    this.#settings = settings;
  }

  /** Lets a call in, which must {@link CallLimits.leave}. @throws SecretError `RATE_LIMITED` */
  enter(principal: string, kind: Admission): void {
    const settings = this.#settings();
    if (settings !== this.#inForce) this.#apply(settings);
    if (this.#underWay[kind] >= (kind === "call" ? settings.concurrentCalls : settings.watches))
      throw tooMany("at once");
    // Its own share first: whoever is beyond that must not use up what is there for all.
    const usage = this.#hasShares ? this.#admitToShare(principal, kind) : undefined;
    this.#rate?.bucket.take(tooOften);
    if (kind === "watch") this.#countWatches(principal, 1);
    else if (usage !== undefined) usage.callsUnderWay += 1;
    this.#underWay[kind] += 1;
  }

  /**
   * Waits until the rates have room for one more message of a watch that was let in.
   * @param onWait told how to give up, whenever it has to wait
   * @throws SecretError `CALL_CANCELLED` when it was given up
   */
  async awaitTurn(principal: string, onWait: OnWait): Promise<void> {
    const settings = this.#settings();
    if (settings !== this.#inForce) this.#apply(settings);
    if (this.#hasShares) await this.#usageOf(principal).rate?.turns.take(onWait);
    await this.#rate?.turns.take(onWait);
  }

  /** A call that was let in has ended. */
  leave(principal: string, kind: Admission): void {
    this.#underWay[kind] -= 1;
    const usage = this.#usages.get(principal);
    if (kind === "watch") this.#countWatches(principal, -1);
    else if (usage !== undefined && usage.callsUnderWay > 0) usage.callsUnderWay -= 1;
  }

  #countWatches(principal: string, more: 1 | -1): void {
    const count = this.#watchesOf(principal) + more;
    if (count === 0) this.#watches.delete(principal);
    else this.#watches.set(principal, count);
  }

  #watchesOf(principal: string): number {
    return this.#watches.get(principal) ?? 0;
  }

  #apply(settings: CallLimitSettings): void {
    this.#inForce = settings;
    this.#rate?.turns.end();
    this.#rate = measured(settings.rate);
    const { perPrincipal, byPrincipal } = settings;
    this.#hasShares = byPrincipal.size > 0 || Object.values(perPrincipal).some((limit) => limit !== undefined);
    const before = this.#usages;
    this.#usages = new Map();
    for (const [principal, { callsUnderWay, rate }] of before) {
      rate?.turns.end();
      if (callsUnderWay > 0) this.#usageOf(principal).callsUnderWay = callsUnderWay;
    }
  }

  #admitToShare(principal: string, kind: Admission): Usage {
    const usage = this.#usageOf(principal);
    if (kind === "call" && usage.callsUnderWay >= usage.concurrentCalls) throw tooMany("at once from this caller");
    if (kind === "watch" && this.#watchesOf(principal) >= usage.concurrentWatches)
      throw tooMany("at once from this caller", "watches");
    usage.rate?.bucket.take(tooOftenFromCaller);
    return usage;
  }

  #usageOf(principal: string): Usage {
    const known = this.#usages.get(principal);
    if (known !== undefined) return known;
    if (this.#usages.size >= maxPrincipals) this.#forgetOne();
    const limits = this.#inForce?.byPrincipal.get(principal) ?? this.#inForce?.perPrincipal ?? {};
    const { concurrentCalls = Infinity, concurrentWatches = Infinity } = limits;
    const usage = { rate: measured(limits.rate), concurrentCalls, concurrentWatches, callsUnderWay: 0 };
    this.#usages.set(principal, usage);
    return usage;
  }

  #forgetOne(): void {
    for (const [principal, { callsUnderWay }] of this.#usages) {
      if (callsUnderWay > 0 || this.#watches.has(principal)) continue;
      this.#usages.delete(principal);
      return;
    }
  }
}

function measured(limit: RateLimit | undefined): MeasuredRate | undefined {
  if (limit === undefined) return undefined;
  const bucket = new TokenBucket(limit);
  return { bucket, turns: new Turns(bucket) };
}

function tooMany(when: string, what: "calls" | "watches" = "calls"): SecretError {
  return new SecretError("RATE_LIMITED", `too many ${what} ${when}`, { retryAfterMs });
}

function tooOften(waitMs: number): SecretError {
  return new SecretError("RATE_LIMITED", "too many calls a second", { retryAfterMs: waitMs });
}

function tooOftenFromCaller(waitMs: number): SecretError {
  return new SecretError("RATE_LIMITED", "too many calls a second from this caller", { retryAfterMs: waitMs });
}
