import { SecretError } from "../../domain/secret-error.js";
import { statusByReason } from "../../rpc/status-by-reason.js";

/** How calls that may be repeated are tried again. */
export interface RetryOptions {
  /** How often a call is tried at most, 1 to 10; 3 unless given, 1 is once only. */
  readonly attempts?: number | undefined;
  /** The longest pause before the second attempt, in milliseconds; 100 unless given. It doubles with each one. */
  readonly baseDelayMs?: number | undefined;
  /** The longest pause of all, unless the broker asks for a longer one, in milliseconds; 2,000 unless given. */
  readonly maxDelayMs?: number | undefined;
}

const maxAttempts = 10;
/** A broken peer is not asked much more often than a whole one: so many retries at once, and one for ten answers. */
const budgetSize = 10;
const refillPerAnswer = 0.1;

/** Decides whether and when a failed call is tried again, within a budget for all calls of a client. */
export class RetryPolicy {
  readonly attempts: number;
  readonly #baseDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #random: () => number;
  #budget = budgetSize;

  /** @throws SecretError `FIELD_INVALID` */
  constructor({ attempts = 3, baseDelayMs = 100, maxDelayMs = 2_000 }: RetryOptions, random: () => number) {
    if (!Number.isInteger(attempts) || attempts < 1 || attempts > maxAttempts) {
      throw invalid("retry.attempts", `must be a whole number from 1 to ${String(maxAttempts)}`);
    }
    if (!(baseDelayMs >= 0 && maxDelayMs >= baseDelayMs && Number.isFinite(maxDelayMs))) {
      throw invalid("retry.base_delay_ms", "must not be negative, and not be above retry.max_delay_ms");
    }
    this.attempts = attempts;
    this.#baseDelayMs = baseDelayMs;
    this.#maxDelayMs = maxDelayMs;
    this.#random = random;
  }

  /** A call was answered. */
  noteAnswer(): void {
    this.#budget = Math.min(this.#budget + refillPerAnswer, budgetSize);
  }

  /** Takes a retry from the budget; false when it is used up. */
  spend(): boolean {
    if (this.#budget < 1) return false;
    this.#budget -= 1;
    return true;
  }

  /**
   * How long to wait before a call that may be repeated is tried again; undefined when it is not.
   * @param attempt how often it was tried
   * @param remainingMs how long the call has left
   */
  delayAfter(error: SecretError, attempt: number, remainingMs: number): number | undefined {
    if (attempt >= this.attempts || !mayPass(error)) return undefined;
    const backoffMs = Math.min(this.#baseDelayMs * 2 ** (attempt - 1), this.#maxDelayMs) * this.#random();
    // What the broker asks for is the least; those who were told the same do not come back together.
    const asked = error.retryAfterMs;
    const delayMs = asked === undefined ? backoffMs : asked * (1 + this.#random() / 10);
    if (delayMs >= remainingMs || !this.spend()) return undefined;
    return delayMs;
  }
}

/** Whether a failure passes by itself. */
function mayPass({ reason }: SecretError): boolean {
  const { retry } = statusByReason[reason];
  return retry === "yes" || retry === "after the delay" || retry === "if idempotent";
}

function invalid(field: string, description: string): SecretError {
  return SecretError.fieldInvalid([{ field, description }]);
}
