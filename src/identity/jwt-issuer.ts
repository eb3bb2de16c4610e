import type { JwtIssuerConfig } from "../config/jwt-config.js";
import type { IssuerKeys } from "./jwks-keys.js";
import type { KeySource } from "./jwks-source.js";
import { checkClaims } from "./jwt-claims.js";
import { type JwtPrincipal, jwtPrincipal } from "./jwt-principal.js";
import { unprovenJwt } from "./jwt-refusal.js";
import type { JwtHeader, JwtText } from "./jwt-text.js";

/** Whom a token was found to prove, and until when. */
export interface ProvenJwt extends JwtPrincipal {
  /** In milliseconds since the epoch, the tolerance with it. */
  readonly expiresAtMs: number;
}

/** One issuer that is trusted: what its tokens must say, and the keys they are signed with. */
export class JwtIssuer {
  readonly source: KeySource;
  readonly #config: JwtIssuerConfig;
  readonly #algorithms: ReadonlySet<string>;
  /** Only who trusts an issuer needs the library, which takes some megabytes; it is there before the first token is. */
  readonly #library = import("./jwt-signature.js");

  constructor(config: JwtIssuerConfig, source: KeySource) {
    this.#config = config;
    this.source = source;
    this.#algorithms = new Set(config.algorithms);
  }

  /**
   * Refuses what this issuer never signs with; before any key is looked for.
   * @throws SecretError `CREDENTIAL_INVALID`
   */
  assertAlgorithm({ alg }: JwtHeader): void {
    if (!this.#algorithms.has(alg)) throw unprovenJwt("is signed with an algorithm that is not accepted");
  }

  /**
   * What a token says, checked; only to be told to whoever brings one that is signed.
   * @throws SecretError `CREDENTIAL_INVALID`, `CREDENTIAL_EXPIRED`
   */
  claimed({ claims }: Pick<JwtText, "claims">): ProvenJwt {
    const expiresAtMs = checkClaims(claims, this.#config, Date.now());
    return { ...jwtPrincipal(claims, this.#config), expiresAtMs };
  }

  /**
   * Checks the signature, and then what is signed, which the library checks as well and has the last word on.
   * @throws SecretError `CREDENTIAL_INVALID`, `CREDENTIAL_EXPIRED`
   */
  async verify(token: string, text: JwtText, keys: IssuerKeys): Promise<ProvenJwt> {
    const { verifySignature } = await this.#library;
    const refusal = await verifySignature([token, text.header], keys, this.#config);
    const proven = this.claimed(text);
    if (refusal !== undefined) throw refusal;
    return proven;
  }
}
