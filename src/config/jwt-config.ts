/** The algorithms a token may be signed with: asymmetric ones only, as a shared key could sign as well as verify. */
export const jwtAlgorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;

/** One of {@link jwtAlgorithms}. */
export type JwtAlgorithm = (typeof jwtAlgorithms)[number];

/** One issuer of JSON Web Tokens that is trusted. */
export interface JwtIssuerConfig {
  /** The claim `iss`, exactly. */
  readonly issuer: string;
  /** The claim `aud` must hold one of them. */
  readonly audiences: readonly string[];
  readonly keys: JwtKeysConfig;
  readonly algorithms: readonly JwtAlgorithm[];
  readonly principal: JwtPrincipalConfig;
  /** Where the groups are; undefined where tokens put nobody into groups. */
  readonly groupsClaim: ClaimPath | undefined;
  /** What is put before each group. */
  readonly groupsPrefix: string;
  readonly requiredClaims: readonly RequiredClaim[];
  /** How far the issuer's clock may be from this one. */
  readonly clockToleranceMs: number;
  /** The longest time from a token's issue to its expiry. */
  readonly maxLifetimeMs: number;
  /** How long after its issue a token is accepted. */
  readonly maxAgeMs: number;
}

/** Where an issuer's keys are. */
export type JwtKeysConfig = KeyFileConfig | RemoteKeysConfig;

/** A JSON Web Key Set in a file. */
export interface KeyFileConfig {
  readonly kind: "file";
  /** Absolute. */
  readonly path: string;
  /** What the file holds; filled in when it was read. */
  readonly text: string;
}

/** A JSON Web Key Set behind a URL. */
export interface RemoteKeysConfig {
  /** Whether the URL is the key set's own, or that of an OIDC discovery document which names it. */
  readonly kind: "jwks" | "discovery";
  readonly url: string;
  /** The certificates that prove the server, as PEM; undefined for those Node.js trusts. Read for each request. */
  readonly caFile: string | undefined;
  /** A bearer token for the URL's own server. Read for each request. */
  readonly bearerTokenFile: string | undefined;
  readonly refreshIntervalMs: number;
  /** How long an unknown key id makes no further request. */
  readonly refetchCooldownMs: number;
  /** How long keys are used while they cannot be fetched again. */
  readonly maxStaleMs: number;
  readonly fetchTimeoutMs: number;
}

/** How a principal is made of a token's claims. */
export type JwtPrincipalConfig =
  | { readonly kind: "template"; readonly parts: readonly PrincipalPart[] }
  /** `sub` is `system:serviceaccount:NAMESPACE:NAME`, the principal `k8s:NAMESPACE/NAME`. */
  | { readonly kind: "kubernetes" };

/** A part of a principal: a text, or the claim whose value stands there. */
export type PrincipalPart = { readonly text: string } | { readonly claim: ClaimPath };

/** The names that lead to a claim: one, or several where it stands within another. Not empty. */
export type ClaimPath = readonly string[];

/** A claim that must have one of some values, or be a list that holds one of them. */
export interface RequiredClaim {
  readonly path: ClaimPath;
  readonly values: readonly ClaimValue[];
}

/** A value that a claim is compared with. */
export type ClaimValue = string | number | boolean;
