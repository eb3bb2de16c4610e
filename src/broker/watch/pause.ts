import { setTimeout as delay } from "node:timers/promises";

/** Waits; tells whether the time passed without an abort. Does not keep the process. */
export async function pause(timeMs: number, signal: AbortSignal): Promise<boolean> {
  return await delay(timeMs, true, { signal, ref: false }).catch(() => false);
}
