import type { Payload } from "../../domain/payload.js";
import type { Secret } from "../../domain/secret.js";
import { copyPayload } from "./held-secret.js";

/** One version of a keyring. */
export interface KeyringVersion {
  readonly version: number | undefined;
  /** Bytes are the caller's own. */
  readonly payload: Payload;
}

/** A version of a secret, by its number and generation. */
export interface VersionOf {
  readonly version: number | undefined;
  readonly uid: string | undefined;
}

/** One version as it is kept. */
interface Kept extends VersionOf {
  /** Undefined once it was overwritten: nobody knows whether it may still be read. */
  readonly payload: Payload | undefined;
  /** When its period of grace ends. */
  readonly untilMs: number;
  /** When it was last known to be readable. */
  readonly knownAtMs: number;
}

/** What the broker said of one version. */
export interface VersionNews {
  readonly version: number;
  /** `unknown` where versions cannot be read by their number. */
  readonly found: Secret | "gone" | "unknown";
  readonly knownAtMs: number;
}

/** What the broker said of all that it was asked about. */
export interface VersionsNews {
  readonly versions: readonly VersionNews[];
  /** When all of it was so. */
  readonly knownAtMs: number;
  readonly nowMs: number;
}

/** How many previous versions of a secret are kept and asked for. */
export const maxPreviousVersions = 8;

/** The versions of one secret that were active before, and how sure it is that they may still be accepted. */
export class PreviousVersions {
  #kept: Kept[] = [];
  /** The active version the broker was asked beside. */
  #asked: VersionOf | undefined;
  #askedAtMs = -Infinity;

  /** Whether any is kept. */
  get isEmpty(): boolean {
    return this.#kept.length === 0;
  }

  /** When all of this was last known to be so; -Infinity when it never was. */
  get knownAtMs(): number {
    if (this.#askedAtMs !== -Infinity || this.isEmpty) return this.#askedAtMs;
    return Math.min(...this.#kept.map(({ knownAtMs }) => knownAtMs));
  }

  /** Whether the broker was asked beside this active version. */
  isKnownBeside({ version, uid }: VersionOf): boolean {
    return this.#asked !== undefined && this.#asked.version === version && this.#asked.uid === uid;
  }

  /** Copies of those to accept beside the active one, the newest first. */
  beside(active: VersionOf): KeyringVersion[] {
    return this.#kept.flatMap(({ version, uid, payload }) => {
      if (payload === undefined || uid !== active.uid || version === active.version) return [];
      return [{ version, payload: copyPayload(payload) }];
    });
  }

  /** Which numbers the broker is to be asked about: those that are kept, and those that came or may be there since. */
  toAsk({ version: active, uid }: VersionOf): number[] {
    if (active === undefined) return [];
    const asked = this.#asked?.uid === uid ? this.#asked?.version : undefined;
    const first = Math.max(asked !== undefined && asked <= active ? asked : 1, active - maxPreviousVersions);
    const numbers = new Set(Array.from({ length: active - first }, (_, index) => active - 1 - index));
    for (const { version, uid: own } of this.#kept) if (own === uid && version !== undefined) numbers.add(version);
    numbers.delete(active);
    return [...numbers].toSorted((a, b) => b - a).slice(0, maxPreviousVersions);
  }

  /** Another version took the place of this one; the payload belongs to it from then on. */
  add(replaced: Omit<Kept, "payload"> & { readonly payload: Payload }): void {
    this.#keep(replaced);
  }

  /** Takes in what the broker said of the versions beside an active one. */
  take({ version, uid }: VersionOf, { versions, knownAtMs, nowMs }: VersionsNews): void {
    this.#asked = { version, uid };
    this.#askedAtMs = knownAtMs;
    for (const news of versions) this.#takeOne(news, uid, nowMs);
  }

  /** Lets go of those past their time, and overwrites those of which is known too little. */
  sweep(nowMs: number, maxStalenessMs: number): void {
    this.#kept = this.#kept.flatMap((kept) => {
      const isUncertain = nowMs - kept.knownAtMs > maxStalenessMs;
      if (kept.untilMs > nowMs && !isUncertain) return [kept];
      wipe(kept.payload);
      return kept.untilMs > nowMs ? [{ ...kept, payload: undefined }] : [];
    });
  }

  /** Overwrites everything. */
  wipe(): void {
    for (const { payload } of this.#kept) wipe(payload);
    this.#kept = [];
  }

  #takeOne({ version, found, knownAtMs }: VersionNews, uid: string | undefined, nowMs: number): void {
    const before = this.#kept.find((kept) => kept.version === version && kept.uid === uid);
    if (found === "unknown") {
      // How long it is kept is then the program's own word.
      if (before !== undefined) this.#keep({ ...before, knownAtMs });
      return;
    }
    this.#remove(version, uid);
    if (found === "gone") return;
    const { payload } = found;
    // A version that does not expire is not in a period of grace, unless it was seen to be replaced: it is an old one.
    const untilMs = endOf(found, nowMs) ?? before?.untilMs ?? -Infinity;
    if (found.uid === uid && untilMs > nowMs) this.#keep({ version, uid, payload, untilMs, knownAtMs });
    else wipe(payload);
  }

  #keep(kept: Kept): void {
    const others = this.#kept.filter(({ version, uid }) => version !== kept.version || uid !== kept.uid);
    for (const { version, uid, payload } of this.#kept) {
      if (version === kept.version && uid === kept.uid && payload !== kept.payload) wipe(payload);
    }
    const sorted = [kept, ...others].toSorted((a, b) => (b.version ?? 0) - (a.version ?? 0));
    for (const { payload } of sorted.splice(maxPreviousVersions)) wipe(payload);
    this.#kept = sorted;
  }

  #remove(gone: number, generation: string | undefined): void {
    this.#kept = this.#kept.filter(({ version, uid, payload }) => {
      if (version !== gone || uid !== generation) return true;
      wipe(payload);
      return false;
    });
  }
}

/** When a version's period of grace ends, by the clock that says `nowMs`. */
function endOf({ expireTime }: Secret, nowMs: number): number | undefined {
  return expireTime && nowMs + expireTime.getTime() - Date.now();
}

function wipe(payload: Payload | undefined): void {
  if (payload !== undefined && typeof payload !== "string") payload.fill(0);
}
