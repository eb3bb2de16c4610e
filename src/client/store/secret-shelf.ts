import type { Secret } from "../../domain/secret.js";
import { SecretError, type SecretErrorReason } from "../../domain/secret-error.js";
import { expireAtMsOf, HeldSecret } from "./held-secret.js";
import type { StoreChange } from "./store-changes.js";
import type { StoreSettings } from "./store-options.js";

/** Why a name has no value. */
export interface Absence {
  readonly error: SecretError;
  /** When that was so. */
  readonly knownAtMs: number;
}

/** What a shelf works with. */
export interface SecretShelfParts {
  readonly declared: ReadonlySet<string>;
  readonly settings: StoreSettings;
  /** The time of day, by which secrets expire; in milliseconds since the epoch. */
  readonly wallMs: () => number;
  /** Told of each change after it was made. */
  readonly onChange: (change: StoreChange) => void;
  /** Told what was given up for want of room. */
  readonly onEviction: (name: string) => void;
  /** Told what another version takes the place of, before it is wiped. */
  readonly onReplaced: (held: HeldSecret) => void;
}

/** How many names are remembered besides the declared ones and those that `maxEntries` has room for. */
const maxFurtherNames = 1_000;

/** There is no value now. */
const absentReasons: ReadonlySet<SecretErrorReason> = new Set<SecretErrorReason>([
  "SECRET_NOT_FOUND",
  "SECRET_DELETED",
]);

/** There is no value for this caller. */
const refusedReasons: ReadonlySet<SecretErrorReason> = new Set<SecretErrorReason>([
  "KEY_NOT_HOSTED",
  "POLICY_DENIED",
  "ACCESS_MODE_DENIED",
  "FIELD_INVALID",
]);

/** Whether a failure says that there is no value, rather than that none could be had. */
export function isFinal(error: SecretError): boolean {
  return absentReasons.has(error.reason) || isRefusal(error);
}

/** Whether a failure says that this caller is not to have it, be it there or not. */
export function isRefusal({ reason }: SecretError): boolean {
  return refusedReasons.has(reason);
}

/** The secrets a store holds, the names it knows to have none, and how long ago it knew. */
export class SecretShelf {
  readonly #parts: SecretShelfParts;
  readonly #held = new Map<string, HeldSecret>();
  readonly #absent = new Map<string, Absence>();
  // name → when a stream told of it last
  readonly #toldAtMs = new Map<string, number>();
  #watchedAtMs = -Infinity;
  #bytes = 0;
  #undeclared = 0;
  #isClosed = false;

  constructor(parts: SecretShelfParts) {
    this.#parts = parts;
  }

  /** What is held, in no particular order. */
  get held(): IterableIterator<HeldSecret> {
    return this.#held.values();
  }

  /** How many bytes all payloads take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** When the stream in step last knew every watched secret to be current. */
  get watchedAtMs(): number {
    return this.#watchedAtMs;
  }

  /** The stream in step knows every watched secret to have been current then. */
  noteWatched(atMs: number): void {
    this.#watchedAtMs = Math.max(this.#watchedAtMs, atMs);
  }

  /** What is held of a name; what has expired is absent from then on. */
  find(name: string): HeldSecret | undefined {
    const held = this.#held.get(name);
    if (held === undefined || held.expireAtMs === Infinity || held.expireAtMs > this.#parts.wallMs()) return held;
    this.drop(name, { error: expired(name), knownAtMs: this.knownAtMs(held) });
    return undefined;
  }

  absenceOf(name: string): Absence | undefined {
    return this.#absent.get(name);
  }

  /** When a secret was last known to be current. */
  knownAtMs({ knownAtMs, isWatched }: HeldSecret): number {
    return isWatched ? Math.max(knownAtMs, this.watchedAtMs) : knownAtMs;
  }

  /** A stream tells of a name. */
  noteTelling(name: string, nowMs: number): void {
    this.#toldAtMs.set(name, nowMs);
  }

  /**
   * Whether something newer is known of a name than what an answer says.
   * @param knownAtMs at the earliest when the answer was so
   */
  isOvertaken(name: string, knownAtMs: number): boolean {
    // What a stream told was so before it came, and nobody knows how long before.
    if ((this.#toldAtMs.get(name) ?? -Infinity) >= knownAtMs) return true;
    return (this.#held.get(name)?.knownAtMs ?? -Infinity) > knownAtMs;
  }

  /** Takes a value in, which belongs to the shelf from then on; false when it has expired, or there is no room for it. */
  put(secret: Secret, knownAtMs: number): boolean {
    if (this.#isClosed) return false;
    if (expireAtMsOf(secret) <= this.#parts.wallMs()) {
      this.drop(secret.name, { error: expired(secret.name), knownAtMs });
      return false;
    }
    const before = this.#held.get(secret.name);
    if (before?.isSame(secret) === true) {
      before.noteSame(secret, knownAtMs);
      return true;
    }
    return this.#replace(before, new HeldSecret(secret, knownAtMs));
  }

  /** A name has no value, or none any more. */
  drop(name: string, absence: Absence): void {
    if (this.#isClosed) return;
    const before = this.#held.get(name);
    if (before !== undefined) this.#takeOut(before);
    this.#absent.delete(name);
    this.#absent.set(name, absence);
    this.#boundNames();
    if (before !== undefined) this.#parts.onChange({ kind: "removed", name });
  }

  /** Of a name of which nothing is known could nothing be had. */
  noteFailure(name: string, absence: Absence): void {
    if (!this.#held.has(name) && !this.#absent.has(name)) this.drop(name, absence);
  }

  /** The stream broke: what it knew last is kept, and it knows nothing more. */
  unwatch(): void {
    for (const held of this.#held.values()) {
      held.knownAtMs = this.knownAtMs(held);
      held.isWatched = false;
    }
  }

  /** Drops what has expired or is too old to be given to anybody. */
  sweep(nowMs: number): void {
    const boundMs = this.#parts.settings.maxStalenessMs;
    for (const name of [...this.#held.keys()]) {
      const held = this.find(name);
      const ageMs = held === undefined ? 0 : nowMs - this.knownAtMs(held);
      if (ageMs > boundMs) this.drop(name, { error: tooOld({ name, ageMs, boundMs }), knownAtMs: nowMs });
    }
  }

  /** Wipes everything, and takes in nothing any more. */
  close(): void {
    this.#isClosed = true;
    for (const held of this.#held.values()) held.wipe();
    this.#held.clear();
    this.#absent.clear();
    this.#toldAtMs.clear();
    this.#bytes = 0;
  }

  #replace(before: HeldSecret | undefined, held: HeldSecret): boolean {
    if (before !== undefined) {
      this.#parts.onReplaced(before);
      this.#takeOut(before);
    }
    const { name, version, uid } = held;
    if (!this.#makeRoom(held)) {
      this.#giveUp(name);
      return false;
    }
    held.isWatched = before?.isWatched ?? false;
    held.usedAtMs = before?.usedAtMs ?? held.knownAtMs;
    this.#absent.delete(name);
    this.#putIn(held);
    this.#boundNames();
    this.#parts.onChange({ kind: "changed", name, version, uid });
    return true;
  }

  #putIn(held: HeldSecret): void {
    this.#held.set(held.name, held);
    this.#bytes += held.byteLength;
    if (!this.#parts.declared.has(held.name)) this.#undeclared += 1;
  }

  #takeOut(held: HeldSecret): void {
    this.#held.delete(held.name);
    this.#bytes -= held.byteLength;
    if (!this.#parts.declared.has(held.name)) this.#undeclared -= 1;
    held.wipe();
  }

  /** Forgets a name. */
  #giveUp(name: string): void {
    const before = this.#held.get(name);
    if (before !== undefined) this.#takeOut(before);
    this.#absent.delete(name);
    this.#toldAtMs.delete(name);
    this.#parts.onEviction(name);
  }

  /** Gives up what was not asked for the longest time. A declared secret always has room. */
  #makeRoom({ name, byteLength }: HeldSecret): boolean {
    const { declared, settings } = this.#parts;
    const isDeclared = declared.has(name);
    const fits = (): boolean =>
      this.#bytes + byteLength <= settings.maxBytes && (isDeclared || this.#undeclared < settings.maxEntries);
    if (fits()) return true;
    const others = [...this.#held.values()]
      .filter((held) => !declared.has(held.name))
      .sort((a, b) => a.usedAtMs - b.usedAtMs);
    for (const held of others) {
      if (fits()) return true;
      this.#giveUp(held.name);
    }
    return isDeclared || fits();
  }

  /** Forgets the name that is known the longest to have no value. */
  #boundNames(): void {
    const { declared, settings } = this.#parts;
    if (this.#held.size + this.#absent.size <= declared.size + settings.maxEntries + maxFurtherNames) return;
    for (const name of this.#absent.keys()) {
      if (declared.has(name)) continue;
      this.#giveUp(name);
      return;
    }
  }
}

function expired(name: string): SecretError {
  return new SecretError("SECRET_NOT_FOUND", `secret "${name}" has expired`, { metadata: { name } });
}

/** A value, how old it is, and how old it may be. */
export interface TooOld {
  readonly name: string;
  readonly ageMs: number;
  readonly boundMs: number;
  /** Why it could not be made younger. */
  readonly cause?: unknown;
}

/** A value is older than whoever asks for it accepts. */
export function tooOld({ name, ageMs, boundMs, cause }: TooOld): SecretError {
  const age = String(Math.round(ageMs));
  const message = `the value of "${name}" was last known to be current ${age} ms ago, and at most ${String(boundMs)} ms are accepted`;
  return new SecretError("STALE_TOO_OLD", message, { cause, metadata: { name, age_ms: age } });
}
