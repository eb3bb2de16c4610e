import type { JwtIssuerConfig } from "./jwt-config.js";

/** How callers prove who they are. */
export interface AuthenticationConfig {
  /** Undefined where no such tokens are accepted. */
  readonly tokens: TokensConfig | undefined;
  /** The issuers of JSON Web Tokens that are trusted; empty for none. */
  readonly jwt: readonly JwtIssuerConfig[];
  readonly certificates?: CertificatesConfig | undefined;
  readonly forwarded?: ForwardedConfig | undefined;
}

/** Which client certificates prove what. */
export interface CertificatesConfig {
  readonly trustDomains: readonly string[];
  readonly dnsNames: readonly string[];
  readonly principals: readonly CertificatePrincipalConfig[];
}

/** What whoever has a certificate is called instead of its own name. */
export interface CertificatePrincipalConfig {
  /** `spiffe://…`, or `dns:` and a name. */
  readonly certificate: string;
  readonly principal: string;
  readonly groups: readonly string[];
}

/** Who may vouch for the certificates of others. */
export interface ForwardedConfig {
  /** Principals that prove themselves by certificates of their own. */
  readonly proxies: readonly string[];
}

/** Bearer tokens that are kept as hashes. */
export interface TokensConfig {
  /** The file they are in; absolute. */
  readonly file: string;
  /** What the file holds; filled in when it was read. */
  readonly entries: readonly TokenEntry[];
}

/** One token. */
export interface TokenEntry {
  /** `sha256:` and the hash in hexadecimal digits. */
  readonly hash: string;
  readonly principal: string;
  readonly groups: readonly string[];
  /** In milliseconds since the epoch; undefined for one that does not expire. */
  readonly expiresAtMs: number | undefined;
}
