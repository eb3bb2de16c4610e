import type { Secret } from "../../domain/secret.js";
import type { Call } from "../call.js";
import { whileLive } from "../guarded-call.js";

/** Said instead of an answer that did not come in the time there was. */
export const late: unique symbol = Symbol("late");

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
  #isGivenUp = false;

  /** @param call the question's own, under which the manager works */
  constructor(
    call: Call,
    answer: Promise<Secret | undefined>,
    { askedAtMs, isBackground }: { readonly askedAtMs: number; readonly isBackground: boolean },
  ) {
    this.#call = call;
    this.answer = answer;
    this.askedAtMs = askedAtMs;
    this.#isBackground = isBackground;
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
      if (this.#waiters === 0 && !this.#isBackground) this.cancel();
    }
  }

  /** Gives up; harmless once it is answered. */
  cancel(): void {
    this.#isGivenUp = true;
    this.#call.cancel();
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
