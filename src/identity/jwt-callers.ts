import type { Caller } from "../domain/caller.js";
import { isSecretError, SecretError } from "../domain/secret-error.js";
import type { IssuerKeys } from "./jwks-keys.js";
import { GenerationCache } from "./jwt-cache.js";
import type { JwtIssuer, ProvenJwt } from "./jwt-issuer.js";
import { isUnproven, unprovenJwt } from "./jwt-refusal.js";
import { assertJwtLength, isClaims, type JwtHeader, type JwtText, parseJwt } from "./jwt-text.js";

/** How many tokens are remembered: of those that are good, and of those that are not. */
const maxTokens = 10_000;

/** How many connections of one token have a caller of their own that is remembered. */
const maxPeers = 32;

/** How many tokens are verified at once; each costs a processor, and whoever sends them is nobody yet. */
const maxPending = 2_000;

/** What a caller was proven by, without its signature. */
interface Proof {
  readonly header: JwtHeader;
  /** As JSON, which takes less room than what it says, and is rarely looked at. */
  readonly claims: string;
  /** Of the key it was verified with. */
  readonly keyMark: string;
}

const proofs = new WeakMap<Caller, Proof>();

/**
 * Who calls with a JSON Web Token. A token is verified once and then known by its hash, for as long as it is good and
 * the keys of its issuer are the same.
 */
export class JwtCallers {
  readonly #issuers: ReadonlyMap<string, JwtIssuer>;
  readonly #proven = new GenerationCache<ProvenToken>(maxTokens);
  readonly #refused = new GenerationCache<RefusedToken>(maxTokens);
  // hash → the verification under way
  readonly #pending = new Map<string, Promise<ProvenToken>>();

  /** @param issuers by the claim `iss` */
  constructor(issuers: ReadonlyMap<string, JwtIssuer>) {
    this.#issuers = issuers;
  }

  /**
   * Who calls with a token: at once when the token is known, or cannot be signed by a key there is; else once it is verified.
   * @param key the token's SHA-256
   * @throws SecretError `CREDENTIAL_INVALID`, `CREDENTIAL_EXPIRED`, `IDENTITY_UNAVAILABLE`, `RATE_LIMITED`, as the
   * promise may reject
   */
  identify(token: string, key: string, peer: string): Caller | Promise<Caller> {
    assertJwtLength(token);
    const known = this.#proven.get(key);
    if (known?.isGood() === true) return known.callerAt(peer);
    if (known !== undefined) this.#proven.delete(key);
    const pending = this.#pending.get(key) ?? this.#begin(key, token);
    // The issuer may have taken its key back meanwhile.
    return pending.then((proven) => (proven.isGood() ? proven.callerAt(peer) : this.identify(token, key, peer)));
  }

  /** Whether a caller that was identified by a token before, perhaps under other settings, still would be. */
  stillKnows(caller: Caller): boolean {
    const proof = proofs.get(caller);
    if (proof === undefined) return false;
    try {
      const claims: unknown = JSON.parse(proof.claims);
      if (!isClaims(claims)) return false;
      const text = { header: proof.header, claims };
      const issuer = this.#issuerOf(text);
      issuer.assertAlgorithm(text.header);
      const { principal, groups } = issuer.claimed(text);
      const isSame = principal === caller.principal && groups.join("\n") === caller.groups.join("\n");
      // While there are no keys nothing speaks against the one it was verified with.
      return isSame && (issuer.source.keys?.markOf(text.header) ?? proof.keyMark) === proof.keyMark;
    } catch {
      return false;
    }
  }

  #begin(key: string, token: string): Promise<ProvenToken> {
    // Before anything is looked at, so that all are told the same.
    if (this.#pending.size >= maxPending) throw tooMany();
    const text = parseJwt(token);
    const issuer = this.#issuerOf(text);
    issuer.assertAlgorithm(text.header);
    const keys = issuer.source.keysFor(text.header);
    const refused = this.#refused.get(key);
    if (refused?.keys === keys) refuseAgain(refused, issuer, text);
    const pending = this.#verify({ key, token, text, issuer }, keys).finally(() => this.#pending.delete(key));
    this.#pending.set(key, pending);
    return pending;
  }

  #issuerOf({ claims: { iss } }: JwtText): JwtIssuer {
    const issuer = typeof iss === "string" ? this.#issuers.get(iss) : undefined;
    if (issuer === undefined) throw unprovenJwt("is of an issuer that is not known here");
    return issuer;
  }

  async #verify(
    { key, token, text, issuer }: Verification,
    later: IssuerKeys | Promise<IssuerKeys>,
  ): Promise<ProvenToken> {
    const keys = await later;
    try {
      const proven = new ProvenToken({ text, issuer, claimed: await issuer.verify(token, text, keys) }, keys);
      this.#proven.set(key, proven);
      return proven;
    } catch (thrown) {
      // Whether it is signed stays the same until its issuer has other keys.
      if (isSecretError(thrown)) this.#refused.set(key, { keys, isSigned: !isUnproven(thrown) });
      throw thrown;
    }
  }
}

/** A token on its way. */
interface Verification {
  /** Its hash. */
  readonly key: string;
  readonly token: string;
  readonly text: JwtText;
  readonly issuer: JwtIssuer;
}

/** A token that was not good, and whether that was for what it says. */
interface RefusedToken {
  readonly keys: IssuerKeys;
  readonly isSigned: boolean;
}

/** What a token proves that was verified. */
interface Verified extends Pick<Verification, "text" | "issuer"> {
  readonly claimed: ProvenJwt;
}

/** A token that was verified. */
class ProvenToken {
  readonly #proof: Proof;
  readonly #claimed: ProvenJwt;
  readonly #issuer: JwtIssuer;
  readonly #keys: IssuerKeys;
  // peer → its caller
  readonly #callers = new Map<string, Caller>();

  constructor({ text, claimed, issuer }: Verified, keys: IssuerKeys) {
    const keyMark = keys.markOf(text.header);
    this.#proof = { header: text.header, claims: JSON.stringify(text.claims), keyMark };
    this.#claimed = claimed;
    this.#issuer = issuer;
    this.#keys = keys;
  }

  /** Whether it has not expired, and its issuer's keys are those it was verified with and not too old. */
  isGood(): boolean {
    return this.#claimed.expiresAtMs > Date.now() && this.#issuer.source.keys === this.#keys;
  }

  /** The caller at a peer; the same object for the same peer, as long as it is remembered. */
  callerAt(peer: string): Caller {
    const known = this.#callers.get(peer);
    if (known !== undefined) return known;
    if (this.#callers.size >= maxPeers) this.#callers.clear();
    const { principal, groups, expiresAtMs } = this.#claimed;
    const caller = Object.freeze<Caller>({ principal, groups, provenBy: "jwt", peer, expiresAtMs });
    this.#callers.set(peer, caller);
    proofs.set(caller, this.#proof);
    return caller;
  }
}

/** What is signed may be good by now, when it was not valid yet. */
function refuseAgain({ isSigned }: RefusedToken, issuer: JwtIssuer, text: JwtText): void {
  if (!isSigned) throw unprovenJwt("is not signed by its issuer");
  issuer.claimed(text);
}

function tooMany(): SecretError {
  return new SecretError("RATE_LIMITED", "too many tokens are being verified", { retryAfterMs: 1_000 });
}
