import { hash, randomBytes } from "node:crypto";

/** How every token begins, so that a scanner of repositories and logs finds one. */
const prefix = "sbt_";

const randomLength = 32;

/** 32 random bytes in base64url, and six digits that tell a mistyped token from a wrong one. */
const form = /^sbt_([A-Za-z0-9_-]{43})([0-9a-f]{6})$/u;

/** Makes a token of 256 random bits. */
export function createAccessToken(): string {
  const random = randomBytes(randomLength).toString("base64url");
  return `${prefix}${random}${checksumOf(random)}`;
}

/** Whether a text is meant to be such a token, right or mistyped. */
export function isStaticToken(text: string): boolean {
  return text.startsWith(prefix);
}

/** Whether a text is a token as {@link createAccessToken} makes them, not mistyped or cut off. */
export function isAccessToken(text: string): boolean {
  const [, random, checksum] = form.exec(text) ?? [];
  return random !== undefined && checksumOf(random) === checksum;
}

/** What is kept of a token. So much randomness needs no slow hash: nobody can try all of it. */
export function hashOfToken(token: string): string {
  return `sha256:${hash("sha256", token, "hex")}`;
}

function checksumOf(random: string): string {
  return hash("sha256", random, "hex").slice(0, 6);
}
