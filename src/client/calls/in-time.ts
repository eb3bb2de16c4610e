import { pause } from "./pause.js";

/** The longest time a timer can hold, in milliseconds. */
const maxTimerMs = 2 ** 31 - 1;

/** How long something is waited for. */
export interface WaitBounds {
  /** What cuts it short. */
  readonly signals: readonly (AbortSignal | undefined)[];
  /** In milliseconds; as long as it takes unless given. */
  readonly timeoutMs?: number | undefined;
  /** Whether the process waits as well; true unless given. */
  readonly keepsProcessAlive?: boolean | undefined;
  /** What cutting it short, or the end of the time, is rejected with. */
  readonly tooLate: () => Error;
}

/** Waits for something within bounds. What comes later comes to nobody. */
export async function inTime<T>(
  work: Promise<T>,
  { signals, timeoutMs = maxTimerMs, keepsProcessAlive, tooLate }: WaitBounds,
): Promise<T> {
  const done = new AbortController();
  work.catch(() => undefined);
  const end = pause(timeoutMs, [...signals, done.signal], keepsProcessAlive).then((): never => {
    throw tooLate();
  });
  end.catch(() => undefined);
  try {
    return await Promise.race([work, end]);
  } finally {
    done.abort();
  }
}
