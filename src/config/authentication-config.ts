import type { JwtIssuerConfig } from "./jwt-config.js";

/** How callers prove who they are. */
export interface AuthenticationConfig {
  /** Undefined where no such tokens are accepted. */
  readonly tokens: TokensConfig | undefined;
  /** The issuers of JSON Web Tokens that are trusted; empty for none. */
  readonly jwt: readonly JwtIssuerConfig[];
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
