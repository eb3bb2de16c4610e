import type { Secret } from "../../domain/secret.js";
import { isSecretError, SecretError } from "../../domain/secret-error.js";
import { callCancelled } from "../calls/call-failure.js";
import type { Origin } from "../read-secret.js";
import type { HeldSecret } from "./held-secret.js";
import { isFinal, isRefusal, type SecretShelf, tooOld } from "./secret-shelf.js";
import type { StoreClock } from "./store-clock.js";
import type { StoreSettings } from "./store-options.js";
import type { FreshAnswer, StoreRefresh } from "./store-refresh.js";
import type { StoreWatcher } from "./store-watcher.js";

/** What reads work with. */
export interface StoreReaderParts {
  readonly settings: StoreSettings;
  readonly shelf: SecretShelf;
  readonly refresh: StoreRefresh;
  readonly watcher: StoreWatcher;
  readonly clock: StoreClock;
}

/** What a read asks for. */
export interface StoreAsk {
  readonly maxStalenessMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Where the answer is: on the shelf, or in hand because the shelf has no room for it. */
export type ReadOutcome =
  | { readonly secret: undefined; readonly held: HeldSecret; readonly servedFrom: Origin | undefined }
  | { readonly secret: Secret; readonly knownAtMs: number; readonly servedFrom: Origin };

/** The longest bound a broker can be asked with, in milliseconds; a longer one is kept here alone. */
const askableMs = 86_400_000;

interface Flight {
  readonly startMs: number;
  readonly answer: Promise<FreshAnswer>;
}

/** Reads through the shelf: one call to the broker for all who ask for the same at once. */
export class StoreReader {
  readonly #parts: StoreReaderParts;
  readonly #flights = new Map<string, Flight>();

  constructor(parts: StoreReaderParts) {
    this.#parts = parts;
  }

  /** @throws SecretError */
  async read(name: string, { maxStalenessMs, signal }: StoreAsk): Promise<ReadOutcome> {
    if (signal?.aborted) throw callCancelled();
    const { shelf, clock, settings } = this.#parts;
    const nowMs = clock.now();
    const acceptedMs = Math.min(maxStalenessMs ?? settings.freshForMs, settings.maxStalenessMs);
    const held = shelf.find(name);
    if (held !== undefined && nowMs - shelf.knownAtMs(held) <= acceptedMs && acceptedMs > 0) {
      held.usedAtMs = nowMs;
      return { secret: undefined, held, servedFrom: undefined };
    }
    this.#assertNotKnownAbsent(name, maxStalenessMs);
    return await this.#ask(name, { maxStalenessMs, signal });
  }

  #assertNotKnownAbsent(name: string, maxStalenessMs = Infinity): void {
    const { shelf, clock, settings } = this.#parts;
    const absence = shelf.absenceOf(name);
    const believedMs = Math.min(settings.negativeTtlMs, maxStalenessMs);
    if (absence === undefined || !isFinal(absence.error)) return;
    if (clock.now() - absence.knownAtMs < believedMs) throw absence.error;
  }

  async #ask(name: string, ask: StoreAsk): Promise<ReadOutcome> {
    try {
      return (await this.#askOnce(name, ask)) ?? (await this.#askOnce(name, ask)) ?? this.#fallBack(name, ask);
    } catch (error) {
      if (!isSecretError(error) || isFinal(error) || error.reason === "CALL_CANCELLED") throw error;
      return this.#fallBack(name, ask, error);
    }
  }

  /**
   * Undefined when the answer is too old, as whoever asked first accepts more, or when a stream has told of the secret
   * meanwhile, and how old that is cannot be told well enough.
   */
  async #askOnce(name: string, { maxStalenessMs, signal }: StoreAsk): Promise<ReadOutcome | undefined> {
    const { shelf, clock } = this.#parts;
    const boundMs = this.#boundFor(maxStalenessMs);
    const startMs = clock.now();
    const { answer } = this.#flightFor(name, boundMs);
    const { secret, servedFrom, knownAtMs } = await orAborted(answer, signal);
    const held = shelf.find(name);
    // What was so when it was asked for is new enough, however long the answer took.
    const isNewEnough = startMs - knownAtMs <= boundMs;
    if (held === undefined) {
      if (secret === undefined) throw shelf.absenceOf(name)?.error ?? SecretError.notFound(name);
      return isNewEnough ? { secret, servedFrom, knownAtMs } : undefined;
    }
    if (isNewEnough && shelf.knownAtMs(held) >= knownAtMs) return { secret: undefined, held, servedFrom };
    return this.#isAccepted(held, maxStalenessMs) ? { secret: undefined, held, servedFrom: "cache" } : undefined;
  }

  #isAccepted(held: HeldSecret, maxStalenessMs: number | undefined): boolean {
    const { shelf, clock } = this.#parts;
    return clock.now() - shelf.knownAtMs(held) <= this.#boundFor(maxStalenessMs);
  }

  /** The broker may be one that keeps answers for longer than this store gives them. */
  #boundFor(maxStalenessMs = Infinity): number {
    return Math.min(maxStalenessMs, this.#parts.settings.maxStalenessMs);
  }

  /** A call that is under way answers also who comes later, unless it was asked too early for what they accept. */
  #flightFor(name: string, boundMs: number): Flight {
    const { refresh, clock } = this.#parts;
    const startMs = clock.now();
    const running = this.#flights.get(name);
    if (running !== undefined && startMs - running.startMs <= boundMs) return running;
    const flight = { startMs, answer: refresh.read(name, boundMs > askableMs ? undefined : boundMs) };
    this.#flights.set(name, flight);
    const land = (): void => {
      if (this.#flights.get(name) === flight) this.#flights.delete(name);
      this.#want(name);
    };
    flight.answer.then(land, land);
    return flight;
  }

  /** What was asked for once is kept fresh, also while there is nothing; not what this caller is not to have. */
  #want(name: string): void {
    const { shelf, watcher } = this.#parts;
    const absence = shelf.absenceOf(name);
    const isWanted = absence === undefined ? shelf.find(name) !== undefined : !isRefusal(absence.error);
    if (isWanted) watcher.add(name);
  }

  /** The broker could not be asked: what is at hand is the answer if it is accepted. */
  #fallBack(name: string, { maxStalenessMs }: StoreAsk, cause?: SecretError): ReadOutcome {
    const { shelf, clock } = this.#parts;
    const held = shelf.find(name);
    const boundMs = this.#boundFor(maxStalenessMs);
    if (held === undefined) throw cause ?? brokerTooOld(name, boundMs);
    if (!this.#isAccepted(held, maxStalenessMs)) {
      throw tooOld({ name, ageMs: clock.now() - shelf.knownAtMs(held), boundMs, cause });
    }
    return { secret: undefined, held, servedFrom: undefined };
  }
}

function brokerTooOld(name: string, boundMs: number): SecretError {
  const message = `the broker has no value of "${name}" that was current at most ${String(boundMs)} ms ago`;
  return new SecretError("STALE_TOO_OLD", message, { metadata: { name } });
}

/** Waits for something unless the signal says to wait no more. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => {
    aborted.reject(callCancelled());
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
