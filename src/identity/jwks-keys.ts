import { hash } from "node:crypto";
import { createLocalJWKSet, errors, type JWK, type JWTVerifyGetKey } from "jose";
import { SecretError } from "../domain/secret-error.js";
import { unknownKey } from "./jwt-refusal.js";
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
  readonly #getKey: JWTVerifyGetKey;

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
    this.#getKey = createLocalJWKSet({ keys: [...this.#keys] });
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

  /** Finds the key of a token's header, as jose asks for it. */
  get getKey(): JWTVerifyGetKey {
    return this.#getKey;
  }
}

/** What is thrown where no key, or more than one, goes with a token; undefined for another failure. */
export function keyRefusal(thrown: unknown): SecretError | undefined {
  if (thrown instanceof errors.JWKSNoMatchingKey) return unknownKey();
  if (!(thrown instanceof errors.JWKSMultipleMatchingKeys)) return undefined;
  return new SecretError("CREDENTIAL_INVALID", "the bearer token must say which key it is signed with (kid)");
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
