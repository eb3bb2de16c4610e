import { isSecretError, SecretError } from "../../domain/secret-error.js";
import type { SecretShelf } from "./secret-shelf.js";
import type { StoreClock } from "./store-clock.js";
import type { PassingFailures, StoreRefresh } from "./store-refresh.js";

/** What a start works with. */
export interface StoreStartParts {
  readonly names: ReadonlySet<string>;
  readonly timeoutMs: number;
  readonly shelf: Pick<SecretShelf, "find" | "absenceOf">;
  readonly refresh: Pick<StoreRefresh, "refresh">;
  readonly clock: StoreClock;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** The first and the longest pause before what is missing is asked for again, in milliseconds. */
const pauseMs = { first: 250, longest: 5_000 } as const;

/**
 * Waits until every name has a value.
 * @throws SecretError that says which have none in time, and why
 */
export async function untilAllAreHeld(parts: StoreStartParts): Promise<void> {
  const { names, timeoutMs, shelf, clock, random, signal } = parts;
  const endMs = clock.now() + timeoutMs;
  let before: Round | undefined;
  for (let attempt = 0; ; attempt += 1) {
    const round = await askForMissing(parts, endMs);
    if (signal.aborted) throw new SecretError("CALL_CANCELLED", "the store was closed before it was ready");
    const missing = missingOf(names, shelf);
    if (missing.length === 0) return;
    const backoffMs = Math.min(pauseMs.first * 2 ** attempt, pauseMs.longest) * (0.5 + random() / 2);
    const delayMs = Math.max(backoffMs, round.failure?.retryAfterMs ?? 0);
    const isLast = clock.now() + delayMs >= endMs;
    if (!isLast) await new Promise<void>((resolve) => clock.after(delayMs, resolve, true));
    // A process that has much to do at its start may be woken long after it wanted to be.
    if (isLast || clock.now() >= endMs) throw notReady(missing, { ...parts, round: tellingOf(round, before) });
    before = round;
  }
}

/** What came of asking once. */
interface Round {
  /** Why the broker could not be asked, or one name could not be had. */
  readonly failure: SecretError | undefined;
  readonly failures: PassingFailures;
}

async function askForMissing({ names, shelf, refresh, clock }: StoreStartParts, endMs: number): Promise<Round> {
  try {
    const asked = refresh.refresh(missingOf(names, shelf), endMs - clock.now());
    const failures = await within(clock, endMs, asked);
    const [failure] = failures.values();
    return { failure, failures };
  } catch (error) {
    if (!isSecretError(error)) throw error;
    return { failure: error, failures: new Map() };
  }
}

/** That the time is over says less than what kept them away before, be it that the broker does not have them. */
function tellingOf(round: Round, before: Round = round): Round {
  return round.failure?.reason === "MANAGER_TIMEOUT" ? before : round;
}

function missingOf(names: ReadonlySet<string>, shelf: StoreStartParts["shelf"]): string[] {
  return [...names].filter((name) => shelf.find(name) === undefined);
}

/** Waits for something no longer than until a point in time. */
async function within<T>(clock: StoreClock, endMs: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const cancel = clock.after(
    endMs - clock.now(),
    () => {
      late.reject(new SecretError("MANAGER_TIMEOUT", "the broker did not answer in time"));
    },
    true,
  );
  // Whatever comes later comes to nobody.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    cancel();
  }
}

interface NotReady extends Pick<StoreStartParts, "names" | "shelf" | "timeoutMs"> {
  readonly round: Round;
}

function notReady(missing: readonly string[], { names, shelf, timeoutMs, round }: NotReady): SecretError {
  const { failure, failures } = round;
  const reasons = missing.map((name) => {
    return [name, shelf.absenceOf(name)?.error ?? failures.get(name) ?? failure] as const;
  });
  const listed = reasons.map(([name, error]) => `"${name}" (${error?.reason ?? "no answer"})`).join(", ");
  const count = `${String(missing.length)} of ${String(names.size)}`;
  const message = `${count} secrets were not there within ${String(timeoutMs)} ms: ${listed}`;
  const first = failure ?? reasons[0]?.[1];
  return new SecretError(first?.reason ?? "MANAGER_TIMEOUT", message, {
    cause: first,
    metadata: Object.fromEntries(reasons.map(([name, error]) => [name, error?.reason ?? "no answer"])),
  });
}
