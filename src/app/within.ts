import { setTimeout as setTimeoutPromise } from "node:timers/promises";

/** Stands for an answer that did not come in time. */
export const late: unique symbol = Symbol("late");

/** Waits for an answer, but no longer than a time; what comes afterwards is dropped. */
export async function within<T>(timeoutMs: number, answer: T | PromiseLike<T>): Promise<T | typeof late> {
  const waiting = new AbortController();
  const timer = setTimeoutPromise<typeof late>(timeoutMs, late, { signal: waiting.signal });
  timer.catch(() => undefined);
  try {
    return await Promise.race([answer, timer]);
  } finally {
    waiting.abort();
  }
}
