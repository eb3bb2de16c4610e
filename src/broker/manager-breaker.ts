import { isSecretError, SecretError } from "../domain/secret-error.js";
import type { BreakerCounts, ManagerOperation } from "../telemetry/broker-metrics.js";

/** When a manager is spared. */
export interface BreakerSettings {
  /** After how many failures in a row. */
  readonly failures: number;
  /** For how long, before one question is let through. */
  readonly openForMs: number;
  /** What it must have had before a call that reached its deadline is a failure: callers choose deadlines. */
  readonly patienceMs: number;
  /** How many questions it may be working on; undefined for no bound. */
  readonly maxPending: number | undefined;
}

/** What a breaker works with. */
export interface BreakerParts {
  /** Undefined while nothing is to be spared. */
  readonly settings: () => BreakerSettings | undefined;
  readonly counts: BreakerCounts;
  /** The monotonic clock, in milliseconds; the system's unless given. */
  readonly nowMs?: () => number;
}

/** A question that was let through; a probe decides whether more are. */
export type Pass = "plain" | "probe";

/** What became of a question. */
export interface PassEnd {
  readonly durationMs: number;
  /** Undefined when it was answered. */
  readonly error?: unknown;
}

/** How soon to come back while a probe is under way, at most. */
const probeRetryMs = 1_000;

/**
 * Spares a manager that has failed several times in a row: it is not asked for a while, then once, and again by everybody
 * when that is answered. Also bounds how many questions it works on at once.
 */
export class ManagerBreaker {
  readonly #settings: () => BreakerSettings | undefined;
  readonly #counts: BreakerCounts;
  readonly #nowMs: () => number;
  #pending = 0;
  #failures = 0;
  #openUntilMs: number | undefined;
  #isProbing = false;

  constructor({ settings, counts, nowMs = (): number => performance.now() }: BreakerParts) {
    this.#settings = settings;
    this.#counts = counts;
    this.#nowMs = nowMs;
  }

  /**
   * Lets a question through; what is let through must leave.
   * @returns undefined for a question that has nothing to do with it
   * @throws SecretError `BREAKER_OPEN`
   */
  enter(operation: ManagerOperation): Pass | undefined {
    // Whether the manager is well is exactly what a health check asks, and to forget it asks nobody.
    if (operation === "health" || operation === "forget") return undefined;
    const settings = this.#settings();
    if (settings === undefined) {
      this.#close();
    } else {
      if (this.#openUntilMs !== undefined) return this.#probe(settings, this.#openUntilMs);
      if (settings.maxPending !== undefined && this.#pending >= settings.maxPending) throw this.#refuse(probeRetryMs);
    }
    this.#pending += 1;
    return "plain";
  }

  /** Takes note of what became of a question. */
  leave(pass: Pass | undefined, { error, durationMs }: PassEnd): void {
    if (pass === undefined) return;
    this.#pending -= 1;
    if (pass === "probe") this.#isProbing = false;
    const settings = this.#settings();
    if (settings === undefined) return;
    if (isAnswer(error)) {
      // What was asked before it was spared, and is answered now, says nothing of how it is.
      if (this.#openUntilMs === undefined || pass === "probe") this.#close();
    } else if (isFailure(error, durationMs, settings)) {
      this.#failures += 1;
      if (this.#failures >= settings.failures || pass === "probe") this.#open(settings);
    }
  }

  #probe(settings: BreakerSettings, openUntilMs: number): Pass {
    const leftMs = openUntilMs - this.#nowMs();
    if (leftMs > 0) throw this.#refuse(leftMs);
    if (this.#isProbing) throw this.#refuse(Math.min(probeRetryMs, settings.openForMs));
    this.#isProbing = true;
    this.#pending += 1;
    return "probe";
  }

  #open({ openForMs }: BreakerSettings): void {
    this.#openUntilMs = this.#nowMs() + openForMs;
    this.#counts.isOpen = true;
  }

  #close(): void {
    this.#failures = 0;
    this.#openUntilMs = undefined;
    this.#counts.isOpen = false;
  }

  #refuse(retryAfterMs: number): SecretError {
    this.#counts.refused += 1;
    return new SecretError("BREAKER_OPEN", "the manager has failed or is behind, and is not asked for now", {
      retryAfterMs: Math.ceil(retryAfterMs),
    });
  }
}

/** Nothing is known of a manager by whose question was given up, or never put. */
function isAnswer(error: unknown): boolean {
  if (error === undefined) return true;
  return isSecretError(error) && !silent.has(error.reason);
}

const silent: ReadonlySet<string> = new Set([
  "MANAGER_UNAVAILABLE",
  "MANAGER_TIMEOUT",
  "CALL_CANCELLED",
  "CREDENTIAL_EXPIRED",
  "POLICY_DENIED",
]);

function isFailure(error: unknown, durationMs: number, { patienceMs }: BreakerSettings): boolean {
  if (!isSecretError(error)) return false;
  return error.reason === "MANAGER_UNAVAILABLE" || (error.reason === "MANAGER_TIMEOUT" && durationMs >= patienceMs);
}
