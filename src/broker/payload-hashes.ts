import type { Payload } from "../domain/payload.js";
import type { Secret } from "../domain/secret.js";

/** Tells payloads apart in the audit trail. A secret that is given out again and again, one and the same, is hashed once. */
export class PayloadHashes {
  readonly #hash: (payload: Payload) => string;
  // frozen secret → the hash of its payload, as long as the secret lives
  readonly #known = new WeakMap<Secret, string>();

  /** @param hash a keyed hash, of no use without the key */
  constructor(hash: (payload: Payload) => string) {
    this.#hash = hash;
  }

  /** The hash of what was released, or else of what was stored; undefined when neither was. */
  hash(released: Secret | undefined, stored: Payload | undefined): string | undefined {
    if (released !== undefined) return this.#hashOf(released);
    return stored === undefined ? undefined : this.#hash(stored);
  }

  #hashOf(secret: Secret): string {
    const known = this.#known.get(secret);
    if (known !== undefined) return known;
    const hash = this.#hash(secret.payload);
    if (Object.isFrozen(secret)) this.#known.set(secret, hash);
    return hash;
  }
}
