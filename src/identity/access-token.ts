import { hash, randomBytes } from "node:crypto";
import { hashToken } from "./token-hashes.js";

/** How every token begins, so that a scanner of repositories and logs finds one. */
const prefix = "sbt_";

const randomLength = 32;

/** What a kept hash begins with. */
export const hashPrefix = "sha256:";

/**
 * Makes a token of 256 random bits: the prefix, 32 bytes in base64url, and six digits by which a scanner tells a token
 * from a text that looks like one.
 */
export function createAccessToken(): string {
  const random = randomBytes(randomLength).toString("base64url");
  return `${prefix}${random}${checksumOf(random)}`;
}

/** Whether a text is meant to be such a token, right or mistyped. */
export function isStaticToken(text: string): boolean {
  return text.startsWith(prefix);
}

/** What is kept of a token. So much randomness needs no slow hash: nobody can try all of it. */
export function hashOfToken(token: string): string {
  return `${hashPrefix}${hashToken(token)}`;
}

function checksumOf(random: string): string {
  return hash("sha256", random, "hex").slice(0, 6);
}
