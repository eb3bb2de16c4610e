import { SecretError } from "../domain/secret-error.js";
import { IssuerKeys } from "./jwks-keys.js";
import { unknownKey } from "./jwt-refusal.js";
import type { JwtHeader } from "./jwt-text.js";

/** Where an issuer's keys come from. */
export interface KeySource {
  /** The keys that are good now; undefined when there are none yet or they are too old. The same object while they are the same. */
  readonly keys: IssuerKeys | undefined;

  /**
   * The keys to verify a token with. At once wherever possible; a key that is not known may be waited for.
   * @throws SecretError `CREDENTIAL_INVALID` for a key the issuer does not publish, `IDENTITY_UNAVAILABLE`
   */
  keysFor(header: JwtHeader): IssuerKeys | Promise<IssuerKeys>;
}

/** The keys of a file. They change with the configuration, which watches the file. */
export class FileKeys implements KeySource {
  readonly keys: IssuerKeys | undefined;

  /** @param text a JSON Web Key Set, checked when it was read */
  constructor(text: string) {
    this.keys = new IssuerKeys(JSON.parse(text));
  }

  keysFor(header: JwtHeader): IssuerKeys {
    if (this.keys?.mayVerify(header) !== true) throw unknownKey();
    return this.keys;
  }
}

/** An issuer whose keys cannot be had; nobody's fault who calls. */
export function keysUnavailable(retryAfterMs: number): SecretError {
  return new SecretError("IDENTITY_UNAVAILABLE", "the keys of the bearer token's issuer cannot be had now", {
    retryAfterMs: Math.max(100, Math.ceil(retryAfterMs)),
  });
}
