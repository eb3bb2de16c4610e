import type { JwtIssuerConfig } from "../config/jwt-config.js";
import type { IssuerKeys } from "./jwks-keys.js";
import type { KeySource } from "./jwks-source.js";
import { checkClaims } from "./jwt-claims.js";
import { type JwtPrincipal, jwtPrincipal } from "./jwt-principal.js";
import { invalidJwt } from "./jwt-refusal.js";
import type { JwtText } from "./jwt-text.js";

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
   * Refuses what no signature could make good; cheap, and before any key is looked for. Who the token would prove is
   * not believed yet.
   * @throws SecretError `CREDENTIAL_INVALID`, `CREDENTIAL_EXPIRED`
   */
  claimed({ header, claims }: JwtText): ProvenJwt {
    if (!this.#algorithms.has(header.alg)) throw invalidJwt("is signed with an algorithm that is not accepted");
    const expiresAtMs = checkClaims(claims, this.#config, Date.now());
    return { ...jwtPrincipal(claims, this.#config), expiresAtMs };
  }

  /**
   * Checks the signature. All of the token is checked again by the library, which has the last word.
   * @throws SecretError `CREDENTIAL_INVALID`, `CREDENTIAL_EXPIRED`
   */
  async verify(token: string, { header }: JwtText, keys: IssuerKeys): Promise<void> {
    const { verifySignature } = await this.#library;
    await verifySignature([token, header], keys, this.#config);
  }
}
