import type { Caller } from "../domain/caller.js";
import { SecretError } from "../domain/secret-error.js";
import { hashPrefix } from "./access-token.js";

/** A token that is accepted, as far as it is kept. */
export interface KnownToken {
  /** As `hashOfToken` gives it. */
  readonly hash: string;
  readonly principal: string;
  readonly groups: readonly string[];
  /** In milliseconds since the epoch; undefined for one that does not expire. */
  readonly expiresAtMs: number | undefined;
}

/** How many connections of one token have a caller of their own that is remembered. */
const maxPeers = 1_000;

// caller → the hash of the token it was identified by
const hashes = new WeakMap<Caller, string>();

/** The tokens of a configuration; several of one principal, so that one can replace another without a gap. */
export class KnownTokens {
  // SHA-256 in hexadecimal → token
  readonly #byHash: ReadonlyMap<string, KnownToken>;
  // token → peer → caller
  readonly #callers = new Map<KnownToken, Map<string, Caller>>();

  constructor(tokens: readonly KnownToken[]) {
    this.#byHash = new Map(tokens.map((token) => [token.hash.slice(hashPrefix.length), token]));
  }

  /**
   * Who calls with a token; the same object for the same token and peer, as long as it is remembered.
   * @param tokenHash its SHA-256 in hexadecimal: how long it takes to find that tells nothing about the tokens there are
   * @throws SecretError `CREDENTIAL_INVALID`, `CREDENTIAL_EXPIRED`
   */
  identify(tokenHash: string, peer: string): Caller {
    const known = this.#byHash.get(tokenHash);
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

  #callerOf(token: KnownToken, peer: string): Caller {
    let callers = this.#callers.get(token);
    if (callers === undefined) this.#callers.set(token, (callers = new Map<string, Caller>()));
    const known = callers.get(peer);
    if (known !== undefined) return known;
    if (callers.size >= maxPeers) callers.clear();
    const { principal, groups, expiresAtMs, hash } = token;
    const caller = Object.freeze<Caller>({ principal, groups, provenBy: "token", peer, expiresAtMs });
    callers.set(peer, caller);
    hashes.set(caller, hash.slice(hashPrefix.length));
    return caller;
  }
}

function invalidToken(): SecretError {
  return new SecretError("CREDENTIAL_INVALID", "the bearer token is not valid");
}

function expiredToken(): SecretError {
  return new SecretError("CREDENTIAL_EXPIRED", "the bearer token has expired");
}
