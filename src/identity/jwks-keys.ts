import { hash } from "node:crypto";
import type { JWK } from "jose";
import { SecretError } from "../domain/secret-error.js";
import { isClaims, type JwtHeader } from "./jwt-text.js";

/** More keys than any issuer has. */
const maxKeys = 200;

/** What keys of an algorithm are called, by how its name begins. */
const keyTypes: readonly (readonly [prefix: string, keyType: string])[] = [
  ["RS", "RSA"],
  ["PS", "RSA"],
  ["ES", "EC"],
  ["Ed", "OKP"],
];

/** The public keys of an issuer, as it published them. */
export class IssuerKeys {
  /** The same for the same keys, in whatever order. */
  readonly digest: string;
  /** How many there are. */
  readonly size: number;
  readonly #keys: readonly JWK[];

  /**
   * Takes the keys of a JSON Web Key Set that can verify; no shared keys, and none of other uses. An empty set is one:
   * whoever publishes it has taken every key back.
   * @throws SecretError `IDENTITY_UNAVAILABLE` when it is not a key set
   */
  constructor(keySet: unknown) {
    const keys = isClaims(keySet) ? keySet["keys"] : undefined;
    if (!Array.isArray(keys) || keys.length > maxKeys || !keys.every(isJwk)) {
      throw new SecretError("IDENTITY_UNAVAILABLE", "what should be a JSON Web Key Set is none");
    }
    this.#keys = keys.filter(isForVerifying);
    this.size = this.#keys.length;
    this.digest = hash(
      "sha256",
      this.#keys
        .map((key) => JSON.stringify(key))
        .sort()
        .join("\n"),
    );
  }

  /** Whether a token may be signed by one of these keys. */
  mayVerify(header: JwtHeader): boolean {
    return this.#keys.some((key) => goesWith(key, header));
  }

  /** Tells whether the keys that a token may be signed by are still the same; to be compared only. */
  markOf(header: JwtHeader): string {
    return JSON.stringify(this.#keys.filter((key) => goesWith(key, header)));
  }

  /** The keys as they were published. */
  get all(): readonly JWK[] {
    return this.#keys;
  }
}

function goesWith(key: JWK, { alg, kid }: JwtHeader): boolean {
  const [, keyType] = keyTypes.find(([prefix]) => alg.startsWith(prefix)) ?? [];
  return key.kty === keyType && (kid === undefined || key.kid === kid);
}

function isJwk(key: unknown): key is JWK {
  return isClaims(key) && typeof key["kty"] === "string";
}

/** A private key that is published is everybody's. */
function isForVerifying({ kty, use, d }: JWK): boolean {
  return kty !== "oct" && d === undefined && (use === undefined || use === "sig");
}
