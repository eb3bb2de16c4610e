import type { Secret } from "../../domain/secret.js";
import { isSecretError, SecretError, type SecretErrorReason } from "../../domain/secret-error.js";
import type { BatchReadResult } from "../batch-read-secrets.js";
import type { Origin } from "../read-secret.js";
import type { HeldSecret } from "./held-secret.js";
import { type KeyringVersion, PreviousVersions, type VersionNews, type VersionOf } from "./previous-versions.js";
import { isFinal, tooOld } from "./secret-shelf.js";
import type { StoreClock } from "./store-clock.js";
import type { StoreSettings } from "./store-options.js";
import type { SecretSource } from "./store-source.js";

/** Every version of a secret that is to be accepted, and how sure that is. */
export interface Keyring {
  /** The one to sign and encrypt with. */
  readonly active: KeyringVersion;
  /** Those that were active and are in their period of grace, the newest first, at most 8. */
  readonly previous: readonly KeyringVersion[];
  /** `stale` when it is older than it is meant to be, or the broker could not be asked; otherwise of the active one. */
  readonly servedFrom: Origin;
  /** How long ago the whole of it was last known to be so, at most, in milliseconds. */
  readonly ageMs: number;
}

/** What keyrings work with. */
export interface KeyringsParts {
  readonly source: SecretSource;
  readonly clock: StoreClock;
  readonly settings: Pick<StoreSettings, "keyringGraceMs" | "freshForMs" | "maxStalenessMs" | "pollIntervalMs">;
  /** The active version of a name, where the store has it. */
  readonly find: (name: string) => HeldSecret | undefined;
}

/** What a keyring is asked for beside. */
export type ActiveVersion = VersionOf & { readonly name: string };

/** How old what is known of previous versions may be, in milliseconds. */
export interface KeyringBounds {
  /** Without asking the broker. */
  readonly acceptedMs: number;
  /** At most. */
  readonly boundMs: number;
}

/** The previous versions of a secret. */
export interface PreviousAnswer {
  readonly versions: readonly KeyringVersion[];
  /** When that was last known to be all of them, and readable. */
  readonly knownAtMs: number;
  /** Whether the broker could not be asked, though it should have been. */
  readonly isStale: boolean;
}

/** What is known of one name's previous versions. */
interface Ring {
  readonly previous: PreviousVersions;
  /** Whether another version became the active one since the broker was asked. */
  hasChanged: boolean;
  askedAtMs: number;
  flight: Promise<void> | undefined;
}

/** Which part of its fresh time what is known ages before the broker is asked again. */
const dueShare = 0.75;
/** The longest bound a broker can be asked with, in milliseconds. */
const askableMs = 86_400_000;
const goneReasons: ReadonlySet<SecretErrorReason> = new Set<SecretErrorReason>(["VERSION_NOT_FOUND"]);

/** The versions that were active before, for as long as they are to be accepted. */
export class Keyrings {
  readonly #parts: KeyringsParts;
  readonly #rings = new Map<string, Ring>();
  #isClosed = false;

  constructor(parts: KeyringsParts) {
    this.#parts = parts;
  }

  /** Another version takes the place of one. */
  noteReplaced(held: HeldSecret): void {
    const { clock, settings } = this.#parts;
    const nowMs = clock.now();
    const ring = settings.keyringGraceMs > 0 ? this.#ringOf(held.name) : this.#rings.get(held.name);
    if (ring === undefined) return;
    ring.hasChanged = true;
    ring.askedAtMs = -Infinity;
    if (settings.keyringGraceMs === 0) return;
    const { version, uid } = held;
    const untilMs = nowMs + settings.keyringGraceMs;
    ring.previous.add({ version, uid, payload: held.copy(), knownAtMs: nowMs, untilMs });
  }

  /** Nothing of a secret may be used any more. */
  drop(name: string): void {
    this.#rings.get(name)?.previous.wipe();
    this.#rings.delete(name);
  }

  /** Overwrites everything. */
  close(): void {
    this.#isClosed = true;
    for (const name of [...this.#rings.keys()]) this.drop(name);
  }

  /** Lets go of what is past its time, and asks again about what is kept and due. */
  sweep(): void {
    const { clock, settings, find } = this.#parts;
    const nowMs = clock.now();
    for (const [name, ring] of this.#rings) {
      ring.previous.sweep(nowMs, settings.maxStalenessMs);
      const active = find(name);
      if (active !== undefined && this.#isDue(ring, nowMs)) {
        // Whoever asks for a keyring is told; until then it ages.
        this.#ask(active, ring, settings.freshForMs).catch(() => undefined);
      }
    }
  }

  /**
   * The versions to accept beside the active one.
   * @throws SecretError when the broker cannot be asked for them, and what is at hand is too old
   */
  async previousOf(active: ActiveVersion, bounds: KeyringBounds): Promise<PreviousAnswer> {
    const { name } = active;
    const ring = this.#ringOf(name);
    let isStale = false;
    try {
      await this.#refresh(active, ring, bounds.acceptedMs);
    } catch (error) {
      if (!isSecretError(error) || error.reason === "CALL_CANCELLED") throw error;
      isStale = true;
      this.#assertAccepted(name, ring.previous, { ...bounds, cause: error });
    }
    // Dropped meanwhile, as nobody had room for it.
    if (!this.#isClosed && this.#rings.get(name) !== ring) return await this.previousOf(active, bounds);
    const { clock, settings } = this.#parts;
    ring.previous.sweep(clock.now(), settings.maxStalenessMs);
    return { versions: ring.previous.beside(active), knownAtMs: ring.previous.knownAtMs, isStale };
  }

  #ringOf(name: string): Ring {
    const known = this.#rings.get(name);
    if (known !== undefined) return known;
    const ring = { previous: new PreviousVersions(), hasChanged: false, askedAtMs: -Infinity, flight: undefined };
    this.#rings.set(name, ring);
    return ring;
  }

  /** Only for what is kept; of nothing, whoever asks for a keyring finds out soon enough. */
  #isDue({ previous, hasChanged, askedAtMs, flight }: Ring, nowMs: number): boolean {
    const { freshForMs, pollIntervalMs } = this.#parts.settings;
    if (flight !== undefined || previous.isEmpty) return false;
    const pauseMs = Math.min(pollIntervalMs, freshForMs * dueShare);
    const isOld = hasChanged || nowMs - previous.knownAtMs > freshForMs * dueShare;
    return isOld && nowMs - askedAtMs > pauseMs;
  }

  /** Whoever starts in the midst of a rotation has not seen the versions before; the broker has them with their ends. */
  async #refresh(active: ActiveVersion, ring: Ring, acceptedMs: number): Promise<void> {
    const startMs = this.#parts.clock.now();
    const isEnough = (): boolean =>
      !ring.hasChanged && ring.previous.isKnownBeside(active) && ring.previous.knownAtMs >= startMs - acceptedMs;
    if (isEnough() && acceptedMs > 0) return;
    // One question for all who ask at once; what was asked before may not be enough.
    if (ring.flight !== undefined) {
      await ring.flight;
      if (isEnough()) return;
    }
    await this.#ask(active, ring, acceptedMs);
  }

  #ask(active: ActiveVersion, ring: Ring, acceptedMs: number): Promise<void> {
    if (ring.flight !== undefined) return ring.flight;
    const flight = this.#askNow(active, ring, acceptedMs).finally(() => {
      ring.flight = undefined;
    });
    ring.flight = flight;
    return flight;
  }

  async #askNow(active: ActiveVersion, ring: Ring, acceptedMs: number): Promise<void> {
    const { source, clock } = this.#parts;
    const { name } = active;
    const askedAtMs = clock.now();
    ring.askedAtMs = askedAtMs;
    ring.hasChanged = false;
    const numbers = ring.previous.toAsk(active);
    try {
      const maxStalenessMs = Math.min(acceptedMs / 2, askableMs);
      const reads = numbers.map((version) => ({ name, version, maxStalenessMs }));
      const results = reads.length === 0 ? [] : await source.batchReadSecrets({ reads });
      const versions = numbers.map((version, index) => newsOf(version, results[index], askedAtMs));
      const knownAtMs = Math.min(askedAtMs, ...versions.map((each) => each.knownAtMs));
      ring.previous.take(active, { versions, knownAtMs, nowMs: clock.now() });
      // Dropped meanwhile: nothing of it may be used any more.
      if (this.#rings.get(name) !== ring) ring.previous.wipe();
    } catch (error) {
      ring.hasChanged = true;
      throw error;
    }
  }

  #assertAccepted(name: string, { knownAtMs }: PreviousVersions, { boundMs, cause }: Failed): void {
    if (knownAtMs === -Infinity) throw cause;
    const ageMs = this.#parts.clock.now() - knownAtMs;
    if (ageMs > boundMs) throw tooOld({ name, ageMs, boundMs, cause });
  }
}

interface Failed extends KeyringBounds {
  readonly cause: SecretError;
}

/**
 * What a result says of a version.
 * @throws SecretError a failure that says nothing of it
 */
function newsOf(version: number, result: BatchReadResult | undefined, askedAtMs: number): VersionNews {
  if (result === undefined) throw new SecretError("MANAGER_REPLY_INVALID", "a version was left out of the answer");
  if (!result.ok) return { version, found: whyNot(result.error), knownAtMs: askedAtMs };
  const { answer } = result;
  if (answer.notModified) return { version, found: "unknown", knownAtMs: askedAtMs };
  return { version, found: answer.secret, knownAtMs: askedAtMs - (answer.ageMs ?? 0) };
}

function whyNot(error: SecretError): Exclude<VersionNews["found"], Secret> {
  if (error.reason === "CAPABILITY_UNSUPPORTED") return "unknown";
  if (isFinal(error) || goneReasons.has(error.reason)) return "gone";
  throw error;
}
