import type { Payload } from "../../domain/payload.js";
import type { Secret } from "../../domain/secret.js";
import { isSecretError, type SecretErrorReason } from "../../domain/secret-error.js";
import type { HeldSecret } from "./held-secret.js";
import { isFinal } from "./secret-shelf.js";
import type { SecretSource } from "./store-source.js";
import type { StoreClock } from "./store-clock.js";

/** One version of a keyring. */
export interface KeyringVersion {
  readonly version: number | undefined;
  readonly payload: Payload;
}

/** Every version of a secret that is to be accepted. */
export interface Keyring {
  /** The one to sign and encrypt with. */
  readonly active: KeyringVersion;
  /** Those that were active and are in their period of grace, the newest first. */
  readonly previous: readonly KeyringVersion[];
}

interface Kept {
  readonly version: number | undefined;
  readonly uid: string | undefined;
  readonly payload: Payload;
  readonly untilMs: number;
}

/** What keyrings work with. */
export interface KeyringsParts {
  readonly source: SecretSource;
  readonly clock: StoreClock;
  readonly graceMs: number;
}

/** For how long an answer about the version before is believed, in milliseconds. */
const believedMs = 60_000;
/** Why there may be no version before. */
const withoutVersions: ReadonlySet<SecretErrorReason> = new Set<SecretErrorReason>([
  "VERSION_NOT_FOUND",
  "CAPABILITY_UNSUPPORTED",
]);

/** The versions that were active before, for as long as they are to be accepted. */
export class Keyrings {
  readonly #parts: KeyringsParts;
  readonly #kept = new Map<string, Kept[]>();
  /** `name` → the active version the broker was asked about, and until when its answer is believed. */
  readonly #asked = new Map<string, { readonly version: number; readonly untilMs: number }>();

  constructor(parts: KeyringsParts) {
    this.#parts = parts;
  }

  /** Another version takes the place of one. */
  noteReplaced(held: HeldSecret): void {
    const { clock, graceMs } = this.#parts;
    if (graceMs > 0) this.#keep(held.name, { ...versionOf(held), untilMs: clock.now() + graceMs });
  }

  /** Nothing of a secret may be used any more. */
  drop(name: string): void {
    for (const { payload } of this.#kept.get(name) ?? []) wipe(payload);
    this.#kept.delete(name);
    this.#asked.delete(name);
  }

  /** Lets go of what is past its time. */
  sweep(): void {
    const nowMs = this.#parts.clock.now();
    for (const [name, kept] of this.#kept) {
      const live = kept.filter(({ untilMs, payload }) => {
        if (untilMs > nowMs) return true;
        wipe(payload);
        return false;
      });
      if (live.length === 0) this.#kept.delete(name);
      else this.#kept.set(name, live);
    }
    for (const [name, { untilMs }] of this.#asked) if (untilMs <= nowMs) this.#asked.delete(name);
  }

  /** The versions to accept beside the active one. @throws SecretError when the broker cannot be asked for them */
  async previousOf(active: HeldSecret): Promise<readonly KeyringVersion[]> {
    this.sweep();
    await this.#ask(active);
    this.sweep();
    const kept = this.#kept.get(active.name) ?? [];
    return kept
      .filter(({ version, uid }) => uid === active.uid && version !== active.version)
      .map(({ version, payload }) => ({ version, payload: typeof payload === "string" ? payload : payload.slice() }))
      .toReversed();
  }

  /** Whoever starts in the midst of a rotation has not seen the version before; the broker has it with its end. */
  async #ask({ name, version, uid }: HeldSecret): Promise<void> {
    if (version === undefined || version < 2 || this.#asked.get(name)?.version === version) return;
    this.#asked.set(name, { version, untilMs: this.#parts.clock.now() + believedMs });
    try {
      const before = await this.#readVersion(name, version - 1);
      // It was dropped meanwhile, or is of another generation.
      if (before === undefined || before.uid !== uid || this.#asked.get(name)?.version !== version) return;
      this.#keepUntilExpiry(before);
    } catch (error) {
      this.#asked.delete(name);
      throw error;
    }
  }

  async #readVersion(name: string, version: number): Promise<Secret | undefined> {
    try {
      const answer = await this.#parts.source.readSecret({ name, version });
      return answer.notModified ? undefined : answer.secret;
    } catch (error) {
      if (isSecretError(error) && (isFinal(error) || withoutVersions.has(error.reason))) return undefined;
      throw error;
    }
  }

  /** A version that does not expire is not in a period of grace: it is an old one that is still there. */
  #keepUntilExpiry({ name, version, uid, payload, expireTime }: Secret): void {
    const graceMs = expireTime === undefined ? 0 : expireTime.getTime() - Date.now();
    if (graceMs > 0) this.#keep(name, { version, uid, payload, untilMs: this.#parts.clock.now() + graceMs });
  }

  #keep(name: string, kept: Kept): void {
    const others = (this.#kept.get(name) ?? []).filter(
      ({ version, uid }) => version !== kept.version || uid !== kept.uid,
    );
    this.#kept.set(name, [...others, kept]);
  }
}

function versionOf(held: HeldSecret): Omit<Kept, "untilMs"> {
  return { version: held.version, uid: held.uid, payload: held.copy() };
}

function wipe(payload: Payload): void {
  if (typeof payload !== "string") payload.fill(0);
}
