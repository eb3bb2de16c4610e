import { isUtf8 } from "node:buffer";
import { hasDuplicateMembers } from "./jwt-duplicate-members.js";
import { unprovenJwt } from "./jwt-refusal.js";

/** What a JSON Web Token says of itself, which proves nothing yet. */
export interface JwtText {
  readonly header: JwtHeader;
  readonly claims: Claims;
}

/** What tells how a token is signed. Keys and places of keys that a token brings along are not looked at. */
export interface JwtHeader {
  readonly alg: string;
  /** The key's id; undefined where the token names none. */
  readonly kid: string | undefined;
}

/** The members of a token's payload. */
export type Claims = Readonly<Record<string, unknown>>;

/** Longer than any issuer's tokens; what is longer is not even hashed. */
const maxTokenLength = 8_192;

const maxKeyIdLength = 256;

/** What a token may say it is: those for other uses, such as to log out, are signed by the same keys. */
const types: ReadonlySet<string> = new Set(["jwt", "at+jwt", "application/jwt", "application/at+jwt"]);

/** Whether a JSON value is an object. */
export function isClaims(value: unknown): value is Claims {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Refuses what is too long to be a token.
 * @throws SecretError `CREDENTIAL_INVALID`
 */
export function assertJwtLength(token: string): void {
  if (token.length > maxTokenLength) throw unprovenJwt(`must be at most ${String(maxTokenLength)} characters long`);
}

/**
 * Reads a token in the compact form of RFC 7515, strictly: one text for one token.
 * @throws SecretError `CREDENTIAL_INVALID`
 */
export function parseJwt(token: string): JwtText {
  const [header, payload, signature, ...rest] = token.split(".");
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) throw notOne();
  // Bits that no reader looks at could otherwise be changed.
  if (bytesOf(signature) === undefined) throw notOne();
  return { header: parseHeader(objectOf(header)), claims: objectOf(payload) };
}

function parseHeader({ alg, kid, typ, crit, b64 }: Claims): JwtHeader {
  if (typeof alg !== "string") throw notOne();
  if (crit !== undefined || b64 !== undefined) throw unprovenJwt("needs an extension that is not known here");
  if (typ !== undefined && !isAccessType(typ)) throw unprovenJwt("is of a type for another use");
  return { alg, kid: kid === undefined ? undefined : keyIdOf(kid) };
}

function isAccessType(type: unknown): boolean {
  return typeof type === "string" && types.has(type.toLowerCase());
}

function keyIdOf(kid: unknown): string {
  if (typeof kid === "string" && kid !== "" && kid.length <= maxKeyIdLength) return kid;
  throw unprovenJwt("has a key id that is none");
}

function objectOf(part: string): Claims {
  const bytes = bytesOf(part);
  if (bytes === undefined || !isUtf8(bytes)) throw notOne();
  const json = bytes.toString("utf8");
  const value = parseJson(json);
  if (!isClaims(value)) throw notOne();
  if (hasDuplicateMembers(json)) throw unprovenJwt("says something twice");
  return value;
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // Its message quotes the text.
    throw notOne();
  }
}

function bytesOf(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, "base64url");
  return bytes.toString("base64url") === part ? bytes : undefined;
}

function notOne(): ReturnType<typeof unprovenJwt> {
  return unprovenJwt("is not a JSON Web Token");
}
