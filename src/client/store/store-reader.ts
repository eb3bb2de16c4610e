import type { Secret } from "../../domain/secret.js";
import { isSecretError, SecretError } from "../../domain/secret-error.js";
import { callCancelled } from "../calls/call-failure.js";
import type { Origin } from "../read-secret.js";
import { copyPayload, type HeldSecret } from "./held-secret.js";
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

/** A value with bytes of the reader's own, as the shelf may have to wipe its own at any time. */
export interface ReadOutcome extends Pick<Secret, "payload" | "version" | "uid"> {
  /** What it was taken from; undefined when the shelf has no room for it. */
  readonly held: HeldSecret | undefined;
  readonly knownAtMs: number;
  readonly servedFrom: Origin | undefined;
}

/** The longest bound a broker can be asked with, in milliseconds; a longer one is kept here alone. */
const askableMs = 86_400_000;

/** Which answers are good enough. */
interface Acceptance {
  /** The oldest that is accepted, in milliseconds. */
  readonly boundMs: number;
  readonly askedAtMs: number;
}

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
      return this.#outcomeOf(held);
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
   * Undefined when the answer is too old, as it was long on its way or whoever asked first accepts more, or when a stream
   * has told of the secret meanwhile, and how old that is cannot be told well enough.
   */
  async #askOnce(name: string, { maxStalenessMs, signal }: StoreAsk): Promise<ReadOutcome | undefined> {
    const { shelf, clock } = this.#parts;
    const acceptance = { boundMs: this.#boundFor(maxStalenessMs), askedAtMs: clock.now() };
    const { answer } = this.#flightFor(name, acceptance.boundMs);
    const { secret, servedFrom, knownAtMs } = await orAborted(answer, signal);
    const held = shelf.find(name);
    if (held !== undefined) {
      if (!this.#isAccepted(shelf.knownAtMs(held), acceptance)) return undefined;
      return this.#outcomeOf(held, shelf.knownAtMs(held) >= knownAtMs ? servedFrom : "cache");
    }
    const absence = shelf.absenceOf(name);
    if (absence !== undefined || secret === undefined) throw absence?.error ?? SecretError.notFound(name);
    if (!this.#isAccepted(knownAtMs, acceptance)) return undefined;
    const { payload, version, uid } = secret;
    // Others may wait for the same answer.
    return { payload: copyPayload(payload), version, uid, held: undefined, knownAtMs, servedFrom };
  }

  /** Whoever accepts nothing that is old at all is given what was read after they asked, however long that took. */
  #isAccepted(knownAtMs: number, { boundMs, askedAtMs }: Acceptance): boolean {
    return boundMs === 0 ? knownAtMs >= askedAtMs : this.#parts.clock.now() - knownAtMs <= boundMs;
  }

  #outcomeOf(held: HeldSecret, servedFrom?: Origin): ReadOutcome {
    const { version, uid } = held;
    return { payload: held.copy(), version, uid, held, knownAtMs: this.#parts.shelf.knownAtMs(held), servedFrom };
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
    if (held === undefined) throw cause ?? noneNewEnough(name, boundMs);
    const nowMs = clock.now();
    const knownAtMs = shelf.knownAtMs(held);
    if (!this.#isAccepted(knownAtMs, { boundMs, askedAtMs: nowMs })) {
      throw tooOld({ name, ageMs: nowMs - knownAtMs, boundMs, cause });
    }
    return this.#outcomeOf(held);
  }
}

function noneNewEnough(name: string, boundMs: number): SecretError {
  const message = `no value of "${name}" could be had that was current at most ${String(boundMs)} ms before it came`;
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
