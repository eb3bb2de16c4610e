import type { Caller } from "../../domain/caller.js";
import { Call } from "../call.js";

/** The broker, as the caller of calls of its own. */
export const ownCaller: Caller = Object.freeze<Caller>({
  principal: "secret-broker",
  groups: [],
  provenBy: "none",
  peer: "internal",
});

let calls = 0;

/** A day: no question of the broker's own is meant to take longer, and a watch is begun again. */
const maxMs = 86_400_000;

/** Until when a call of the broker's own may take. */
export interface OwnCallLimits {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

/** Does something under a call of the broker's own, for nobody in particular; it is over when the signal aborts. */
export async function withOwnCall<T>(
  purpose: string,
  { signal, timeoutMs = maxMs }: OwnCallLimits,
  work: (call: Call) => Promise<T>,
): Promise<T> {
  calls += 1;
  const call = new Call({
    caller: ownCaller,
    requestId: `${purpose}-${String(calls)}`,
    deadlineMs: Date.now() + timeoutMs,
  });
  const cancel = (): void => {
    call.cancel();
  };
  signal.addEventListener("abort", cancel, { once: true });
  try {
    if (signal.aborted) cancel();
    return await work(call);
  } finally {
    signal.removeEventListener("abort", cancel);
    // Also what the manager still does for it.
    call.cancel();
  }
}
