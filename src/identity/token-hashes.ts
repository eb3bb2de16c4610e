import { hash } from "node:crypto";

/** How many tokens of one connection are remembered: more than one only behind a proxy. */
const maxTokens = 8;

/**
 * The hashes of the tokens that proved somebody over one connection: clients send the same token with each call, and
 * hashing it costs several times as much as looking it up. Kept only as long as the connection is. The look-up compares
 * a seeded hash of the text first, so how long it takes tells nothing about a token that somebody else sends there.
 */
export class TokenHashes {
  // token → its hash
  readonly #known = new Map<string, string>();

  /** The hash of a token that was good before; undefined for any other. */
  get(token: string): string | undefined {
    return this.#known.get(token);
  }

  /** Remembers the hash of a token that is good, so that what others send takes no room. */
  remember(token: string, tokenHash: string): void {
    if (this.#known.size >= maxTokens) this.#known.clear();
    this.#known.set(token, tokenHash);
  }
}

/** The SHA-256 of a token, in hexadecimal. */
export function hashToken(token: string): string {
  return hash("sha256", token, "hex");
}
