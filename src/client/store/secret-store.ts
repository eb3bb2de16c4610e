import { type Payload, payloadBytes } from "../../domain/payload.js";
import { SecretError } from "../../domain/secret-error.js";
import { parseSecretName } from "../../domain/secret-name.js";
import type { Origin } from "../read-secret.js";
import type { HeldSecret } from "./held-secret.js";
import { type Keyring, Keyrings } from "./keyrings.js";
import { SecretShelf, tooOld } from "./secret-shelf.js";
import { StoreChanges, type StoreChange, type StoreListener } from "./store-changes.js";
import { SteadyClock, type StoreClock } from "./store-clock.js";
import { checkStoreOptions, type StoreOptions, type StoreSettings } from "./store-options.js";
import { orAborted, type ReadOutcome, StoreReader } from "./store-reader.js";
import { checkNames, StoreRefresh } from "./store-refresh.js";
import type { SecretSource } from "./store-source.js";
import { untilAllAreHeld } from "./store-start.js";
import { StoreUpkeep } from "./store-upkeep.js";
import { StoreWatcher } from "./store-watcher.js";

/** How one value is asked for. */
export interface GetOptions {
  /** The oldest value that is accepted, in milliseconds; the store's `maxStalenessMs` unless given, and never more. */
  readonly maxStalenessMs?: number | undefined;
}

/** How one value is read. `maxStalenessMs: 0` accepts only what the broker reads after it was asked. */
export interface StoreReadOptions extends GetOptions {
  /** Ends the wait for the answer. */
  readonly signal?: AbortSignal | undefined;
}

/** A value, and how sure that is. */
export interface StoreAnswer {
  readonly name: string;
  /** Bytes are the caller's own. */
  readonly payload: Payload;
  readonly version: number | undefined;
  readonly uid: string | undefined;
  /** `manager` when it was asked just now; `stale` when the value is older than it is meant to be. */
  readonly servedFrom: Origin;
  /** How long ago it was last known to be the active version, at most, in milliseconds. */
  readonly ageMs: number;
}

type StoreValue = Pick<StoreAnswer, "name" | "payload" | "version" | "uid">;

/**
 * Secrets at hand, kept fresh by the broker. Every value has an age, the time since it was last known to be the active
 * version; one that is older than accepted is an error, never an answer. Must be closed.
 */
export class SecretStore {
  readonly #settings: StoreSettings;
  readonly #clock: StoreClock;
  readonly #shelf: SecretShelf;
  readonly #watcher: StoreWatcher;
  readonly #upkeep: StoreUpkeep;
  readonly #reader: StoreReader;
  readonly #keyrings: Keyrings;
  readonly #changes = new StoreChanges();
  readonly #closing = new AbortController();
  readonly #start: () => Promise<void>;

  /** @throws SecretError `FIELD_INVALID` */
  constructor(source: SecretSource, options: StoreOptions) {
    const { clock = new SteadyClock(), random = Math.random, onProblem = (): void => undefined } = options;
    const settings = checkStoreOptions(options);
    const declared = checkNames(options.secrets ?? []);
    this.#settings = settings;
    this.#clock = clock;
    this.#keyrings = new Keyrings({ source, clock, settings, find: (name) => this.#shelf.find(name) });
    const shelf = new SecretShelf({
      declared,
      settings,
      wallMs: () => clock.wallMs?.() ?? Date.now(),
      onChange: (change) => {
        if (change.kind === "removed") this.#keyrings.drop(change.name);
        this.#changes.emit(change);
      },
      onEviction: (name) => {
        this.#keyrings.drop(name);
        this.#watcher.remove(name);
      },
      onReplaced: (held) => {
        this.#keyrings.noteReplaced(held);
      },
    });
    const parts = { source, shelf, clock, random, settings, declared, onProblem: guarded(onProblem) };
    // What the broker has in a cache of its own is as good, if it is not old already.
    const acceptedMs = Math.min(settings.freshForMs, settings.pollIntervalMs) / 2;
    const refresh = new StoreRefresh({ ...parts, maxStalenessMs: acceptedMs });
    this.#shelf = shelf;
    this.#watcher = new StoreWatcher(parts);
    this.#upkeep = new StoreUpkeep({ ...parts, refresh, watcher: this.#watcher, keyrings: this.#keyrings });
    this.#reader = new StoreReader({ ...parts, refresh, watcher: this.#watcher });
    const { signal } = this.#closing;
    const start = { names: declared, timeoutMs: settings.startTimeoutMs, signal };
    this.#start = async () => {
      await untilAllAreHeld({ ...parts, ...start, refresh });
      this.#watcher.start(declared);
      this.#upkeep.start();
    };
  }

  /** Waits for the declared secrets, and keeps them fresh from then on. @throws SecretError which are missing, and why */
  async start(): Promise<void> {
    await this.#start();
  }

  /**
   * The text of a secret that is at hand, without a call.
   * @throws SecretError `SECRET_NOT_FOUND` and its like when there is none, `STALE_TOO_OLD` when it is too old,
   * `FIELD_INVALID` for a name that is neither declared nor was read before, or was given up for want of room since, and
   * for a payload that is not text
   */
  get(name: string, options?: GetOptions): string {
    const { text } = this.#find(name, options?.maxStalenessMs);
    if (text === undefined) throw notText(name);
    return text;
  }

  /** The bytes of a secret that is at hand, as a copy. @throws SecretError as {@link SecretStore.get} */
  getBytes(name: string, options?: GetOptions): Uint8Array {
    return new Uint8Array(payloadBytes(this.#find(name, options?.maxStalenessMs).copy()));
  }

  /** A secret that is at hand, with its version and age. @throws SecretError as {@link SecretStore.get} */
  answer(name: string, options?: GetOptions): StoreAnswer {
    const held = this.#find(name, options?.maxStalenessMs);
    const { version, uid } = held;
    return this.#answerOf({ name, payload: held.copy(), version, uid }, this.#shelf.knownAtMs(held));
  }

  /** Whether a secret is at hand and not too old. */
  has(name: string): boolean {
    const held = this.#shelf.find(name);
    return held !== undefined && this.#clock.now() - this.#shelf.knownAtMs(held) <= this.#settings.maxStalenessMs;
  }

  /**
   * A secret, asked for unless it is at hand and fresh. From then on the name is kept fresh as if it were declared, be it
   * there or not, until it is given up for want of room. When the broker cannot be asked the value at hand is the answer,
   * marked `stale`, as long as its age is accepted.
   * @throws SecretError `STALE_TOO_OLD` also for an answer that was too long on its way
   */
  async read(name: string, options: StoreReadOptions = {}): Promise<StoreAnswer> {
    this.#assertOpen();
    parseSecretName(name);
    const outcome = await this.#reader.read(name, options);
    this.#assertOpen();
    // Something newer is known since.
    if (this.#isOvertaken(name, outcome)) return await this.read(name, options);
    const { payload, version, uid, knownAtMs, servedFrom } = outcome;
    return this.#answerOf({ name, payload, version, uid }, knownAtMs, servedFrom);
  }

  /**
   * A secret's active version, and those before it that are in their period of grace. As with {@link SecretStore.read},
   * what is at hand is the answer when the broker cannot be asked, marked `stale`, as long as its age is accepted.
   * @throws SecretError
   */
  async keyring(name: string, options: StoreReadOptions = {}): Promise<Keyring> {
    const { maxStalenessMs: askedMs = this.#settings.freshForMs, signal } = options;
    const active = await this.read(name, options);
    const bounds = {
      acceptedMs: Math.min(askedMs, this.#settings.maxStalenessMs),
      boundMs: Math.min(options.maxStalenessMs ?? Infinity, this.#settings.maxStalenessMs),
    };
    const { versions, knownAtMs, isStale } = await orAborted(this.#keyrings.previousOf(active, bounds), signal);
    // Whoever may not read it any more is given nothing of it.
    this.#assertOpen();
    if (this.#shelf.find(name) === undefined) this.#keyrings.drop(name);
    if (this.#shelf.absenceOf(name) !== undefined) throw this.#whyNot(name);
    const ageMs = Math.max(active.ageMs, this.#clock.now() - knownAtMs);
    const { version, payload } = active;
    const isOld = isStale || ageMs > this.#settings.freshForMs;
    const servedFrom = isOld ? "stale" : active.servedFrom;
    return { active: { version, payload }, previous: versions, servedFrom, ageMs };
  }

  /** Has a function told of each change; returns what ends that. */
  onChange(listener: StoreListener): () => void {
    return this.#changes.on(listener);
  }

  /** The changes from the first step of the iteration on; it ends with the signal, or with the store. */
  changes(signal?: AbortSignal): AsyncGenerator<StoreChange, void, undefined> {
    return this.#changes.iterate(signal);
  }

  /** Wipes everything and asks for nothing any more. Idempotent. */
  close(): void {
    this.#closing.abort();
    this.#watcher.close();
    this.#upkeep.close();
    this.#changes.close();
    this.#keyrings.close();
    this.#shelf.close();
  }

  #find(name: string, maxStalenessMs = this.#settings.maxStalenessMs): HeldSecret {
    const held = this.#shelf.find(name);
    if (held === undefined) throw this.#whyNot(name);
    const nowMs = this.#clock.now();
    const ageMs = nowMs - this.#shelf.knownAtMs(held);
    const boundMs = Math.min(maxStalenessMs, this.#settings.maxStalenessMs);
    if (ageMs > boundMs) throw tooOld({ name, ageMs, boundMs });
    held.usedAtMs = nowMs;
    return held;
  }

  #answerOf(value: StoreValue, knownAtMs: number, servedFrom: Origin = "cache"): StoreAnswer {
    const ageMs = Math.max(this.#clock.now() - knownAtMs, 0);
    return { ...value, servedFrom: ageMs > this.#settings.freshForMs ? "stale" : servedFrom, ageMs };
  }

  /** Whether what was read is known not to be the last word. What was given up for want of room still is. */
  #isOvertaken(name: string, { held }: ReadOutcome): boolean {
    const now = this.#shelf.find(name);
    return now === undefined ? this.#shelf.absenceOf(name) !== undefined : now !== held;
  }

  #whyNot(name: string): SecretError {
    if (this.#closing.signal.aborted) return storeClosed();
    const absence = this.#shelf.absenceOf(name);
    if (absence !== undefined) return absence.error;
    const description = `"${name}" is not at hand: declare it in secrets, or read it first`;
    return SecretError.fieldInvalid([{ field: "name", description }]);
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw storeClosed();
  }
}

function storeClosed(): SecretError {
  return new SecretError("CALL_CANCELLED", "the store is closed");
}

function notText(name: string): SecretError {
  return SecretError.fieldInvalid([{ field: "name", description: `"${name}" holds bytes: use getBytes` }]);
}

/** A function of the user's that throws must not stop the store. */
function guarded<T>(tell: (what: T) => void): (what: T) => void {
  return (what) => {
    try {
      tell(what);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  };
}
