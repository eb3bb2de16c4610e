import type { Caller } from "../domain/caller.js";
import { SecretError } from "../domain/secret-error.js";
import { hashOfToken, isAccessToken } from "./access-token.js";

/** A token that is accepted, as far as it is kept. */
export interface KnownToken {
  /** As {@link hashOfToken} gives it. */
  readonly hash: string;
  readonly principal: string;
  readonly groups: readonly string[];
  /** In milliseconds since the epoch; undefined for one that does not expire. */
  readonly expiresAtMs: number | undefined;
}

/** How many callers are remembered: one for each token and peer. */
const maxCallers = 10_000;

// caller → the hash of the token it was identified by
const hashes = new WeakMap<Caller, string>();

/** The tokens of a configuration; several of one principal, so that one can replace another without a gap. */
export class KnownTokens {
  readonly #byHash: ReadonlyMap<string, KnownToken>;
  // hash and peer → caller
  readonly #callers = new Map<string, Caller>();

  constructor(tokens: readonly KnownToken[]) {
    this.#byHash = new Map(tokens.map((token) => [token.hash, token]));
  }

  /**
   * Who calls with a token; the same object for the same token and peer, as long as it is remembered.
   * @throws SecretError `CREDENTIAL_INVALID`, `CREDENTIAL_EXPIRED`
   */
  identify(token: string, peer: string): Caller {
    // Found by its hash: how long that takes tells nothing about the tokens there are.
    const hash = isAccessToken(token) ? hashOfToken(token) : undefined;
    const known = hash === undefined ? undefined : this.#byHash.get(hash);
    if (known === undefined) throw invalidToken();
    if (known.expiresAtMs !== undefined && known.expiresAtMs <= Date.now()) throw expiredToken();
    return this.#callerOf(known, peer);
  }

  /** Whether a caller that was identified by a token before, perhaps under other settings, still would be. */
  stillKnows(caller: Caller): boolean {
    const known = this.#byHash.get(hashes.get(caller) ?? "");
    if (known?.principal !== caller.principal || known.expiresAtMs !== caller.expiresAtMs) return false;
    return known.groups.join("\n") === caller.groups.join("\n");
  }

  #callerOf({ hash, principal, groups, expiresAtMs }: KnownToken, peer: string): Caller {
    const key = `${hash} ${peer}`;
    const known = this.#callers.get(key);
    if (known !== undefined) return known;
    if (this.#callers.size >= maxCallers) this.#callers.clear();
    const caller = Object.freeze<Caller>({ principal, groups, provenBy: "token", peer, expiresAtMs });
    this.#callers.set(key, caller);
    hashes.set(caller, hash);
    return caller;
  }
}

function invalidToken(): SecretError {
  return new SecretError("CREDENTIAL_INVALID", "the bearer token is not valid");
}

function expiredToken(): SecretError {
  return new SecretError("CREDENTIAL_EXPIRED", "the bearer token has expired");
}
