import type { Secret } from "../../domain/secret.js";
import type { SecretName } from "../../domain/secret-name.js";
import { fingerprintOf } from "./fingerprint.js";

/** What a watcher says it has. */
export interface ClaimedVersion {
  readonly version: number;
  /** The generation; undefined when it does not know. */
  readonly uid: string | undefined;
}

interface Held {
  readonly uid: string | undefined;
  /** What it was sent, or what it says it has. */
  readonly state: string | ClaimedVersion;
  readonly expiry: NodeJS.Timeout | undefined;
}

/** The longest a Node.js timer can wait. */
const maxTimerMs = 2 ** 31 - 1;

/** Which state of each secret a watcher has; no payloads. */
export class HeldSecrets {
  readonly #byName = new Map<SecretName, Held>();
  readonly #onExpiry: (name: SecretName) => void;

  /** @param onExpiry told when a version it holds expires */
  constructor(onExpiry: (name: SecretName) => void) {
    this.#onExpiry = onExpiry;
  }

  /** The names of all of them. */
  get names(): readonly SecretName[] {
    return [...this.#byName.keys()];
  }

  has(name: SecretName): boolean {
    return this.#byName.has(name);
  }

  /** The watcher says it has this; what it was sent is known better. */
  claim(name: SecretName, version: ClaimedVersion): void {
    if (!this.#byName.has(name)) this.#put(name, { uid: version.uid, state: version, expiry: undefined });
  }

  /** Whether the watcher has this state of it. */
  isHeld(secret: Secret): boolean {
    const state = this.#byName.get(secret.name)?.state;
    if (state === undefined) return false;
    if (typeof state === "string") return state === fingerprintOf(secret);
    return state.version === secret.version && (state.uid === undefined || state.uid === secret.uid);
  }

  /** The watcher has this state from now on. */
  hold(secret: Secret): void {
    const { name, uid, expireTime } = secret;
    const waitMs = expireTime === undefined ? undefined : Math.max(expireTime.getTime() - Date.now(), 0);
    const expiry =
      waitMs === undefined || waitMs > maxTimerMs
        ? undefined
        : setTimeout(() => {
            this.#onExpiry(name);
          }, waitMs).unref();
    this.#put(name, { uid, state: fingerprintOf(secret), expiry });
  }

  /** The watcher has it no longer. Returns what it had of it, if anything. */
  release(name: SecretName): { readonly uid: string | undefined } | undefined {
    const held = this.#byName.get(name);
    clearTimeout(held?.expiry);
    this.#byName.delete(name);
    return held;
  }

  /** Forgets those that are not to be kept. */
  keep(isKept: (name: SecretName) => boolean): void {
    for (const name of this.names) if (!isKept(name)) this.release(name);
  }

  #put(name: SecretName, held: Held): void {
    clearTimeout(this.#byName.get(name)?.expiry);
    this.#byName.set(name, held);
  }
}
