import type { Secret } from "../../domain/secret.js";
import type { Call } from "../call.js";
import { whileLive } from "../guarded-call.js";

/** Said instead of an answer that did not come in the time there was. */
export const late: unique symbol = Symbol("late");

/** What is known of a question from its begin. */
export interface FetchFacts {
  readonly askedAtMs: number;
  /** Whether nobody waits for it. */
  readonly isBackground: boolean;
  /** How long it may go on while nobody waits. */
  readonly timeoutMs: number;
}

/**
 * One question to the manager that several callers may wait for, each as long as it lives. It is given up when the last
 * of them leaves, unless it is to be known anyway.
 */
export class SharedFetch {
  /** When it was asked, by the monotonic clock: the answer may be as old as that. */
  readonly askedAtMs: number;
  /** Settles with the answer, once that is kept. */
  readonly answer: Promise<Secret | undefined>;
  readonly #call: Call;
  #waiters = 0;
  #isBackground: boolean;
  /** Until when it may go on while nobody waits, as `performance.now()` tells it. */
  readonly #backgroundEndMs: number;
  #isGivenUp = false;

  /** @param call the question's own, under which the manager works */
  constructor(call: Call, answer: Promise<Secret | undefined>, { askedAtMs, isBackground, timeoutMs }: FetchFacts) {
    this.#call = call;
    this.answer = answer;
    this.askedAtMs = askedAtMs;
    this.#isBackground = isBackground;
    this.#backgroundEndMs = performance.now() + timeoutMs;
    // Each who waits hears of a failure; it is nobody's fault when none does.
    answer.catch(() => undefined);
  }

  /** Whether it is no use to wait for it. */
  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  /**
   * Waits for the answer for a caller.
   * @param patienceMs how long, when there is something else to answer with: then the question goes on by itself
   * @throws SecretError the question's failure, or the end of the caller's call
   */
  async wait(caller: Call, patienceMs?: number): Promise<Secret | undefined | typeof late> {
    this.#waiters += 1;
    try {
      const answer = whileLive(this.answer, caller.signal);
      return patienceMs === undefined ? await answer : await this.#withPatience(answer, patienceMs);
    } finally {
      this.#waiters -= 1;
      if (this.#waiters === 0) this.#leaveAlone();
    }
  }

  /** Gives up; harmless once it is answered. */
  cancel(): void {
    this.#isGivenUp = true;
    this.#call.cancel();
  }

  /** The one who asked may have had hours; nobody's question does not. */
  #leaveAlone(): void {
    if (!this.#isBackground) {
      this.cancel();
      return;
    }
    const timer = setTimeout(
      () => {
        if (this.#waiters === 0) this.cancel();
      },
      Math.max(this.#backgroundEndMs - performance.now(), 0),
    ).unref();
    const settle = (): void => {
      clearTimeout(timer);
    };
    this.answer.then(settle, settle);
  }

  async #withPatience<T>(answer: Promise<T>, patienceMs: number): Promise<T | typeof late> {
    const { promise, resolve } = Promise.withResolvers<typeof late>();
    const timer = setTimeout(() => {
      this.#isBackground = true;
      resolve(late);
    }, patienceMs).unref();
    try {
      answer.catch(() => undefined);
      return await Promise.race([answer, promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}
