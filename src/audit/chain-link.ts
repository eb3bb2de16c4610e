/**
 * The audit trail as a chain. Each batch of records ends with a line that carries `link`, its number, and `hash`; lines
 * of their own begin a chain or a file (`start`) and sign what came before (`checkpoint`). The hash of a link is
 *
 *     SHA-256(hash of the link before, in hexadecimal ‖ "\n" ‖ all bytes since that link's line, up to `,"hash"`)
 *
 * so no byte can change, and no line can come, go or move, without every later hash being another. Lines of their own are
 * signed, and a batch's link has a `mac`, which needs the private key to be made or checked: so nobody else can write what
 * no signature covers yet.
 */

/** The hash before the first link of a chain. */
export const noHash: string = "0".repeat(64);

/** The end of a chain as far as it is known: what the next link builds on. */
export interface ChainEnd {
  /** The chain's id. */
  readonly chain: string;
  /** The number of the last link, from 1. */
  readonly link: number;
  readonly hash: string;
}

/** What a link's line tells. */
export type Link = BatchLink | SignedLink;

/** The last record of a batch. */
export interface BatchLink {
  readonly kind: "batch";
  readonly link: number;
  readonly hash: string;
  /** A keyed hash of the hash, in hexadecimal. */
  readonly mac: string;
}

/** The first line of a file, or a checkpoint. */
export interface SignedLink {
  readonly kind: "start" | "checkpoint";
  readonly chain: string;
  readonly link: number;
  readonly time: string;
  /** The hash of the link before. */
  readonly previous: string;
  /** How many bytes before this line belong to no link, as a write that was torn leaves them. */
  readonly torn: number;
  /** Whether links before this one were written and are gone, as the broker noticed at this time; only of a start. */
  readonly isAfterLoss: boolean;
  readonly hash: string;
  /** The id of the key it is signed with. */
  readonly key: string;
  /** Base64url. */
  readonly signature: string;
}

/** What is signed of a link. */
export function signedText({ kind, hash }: Pick<SignedLink, "kind" | "hash">): string {
  return `secret-broker audit ${kind}\n${hash}`;
}

/** What the last record's line of a batch goes on with in place of its closing brace, up to the hash. */
export function batchPrefix(link: number): string {
  return `,"link":${String(link)}`;
}

/** The same for a line of its own. */
export function signedPrefix({
  kind,
  chain,
  link,
  time,
  previous,
  torn,
  isAfterLoss,
}: Omit<SignedLink, "hash" | "key" | "signature">): string {
  const damage = `${torn > 0 ? `,"torn":${String(torn)}` : ""}${isAfterLoss ? ',"lost":true' : ""}`;
  return `{"audit":"${kind}","chain":"${chain}","time":"${time}","previous":"${previous}"${damage},"link":${String(link)}`;
}

/** What follows the prefix. */
export function batchSuffix({ hash, mac }: Pick<BatchLink, "hash" | "mac">): string {
  return `,"hash":"${hash}","mac":"${mac}"}`;
}

/** The same for a line of its own. */
export function signedSuffix({ hash, key, signature }: Pick<SignedLink, "hash" | "key" | "signature">): string {
  return `,"hash":"${hash}","key":"${key}","signature":"${signature}"}`;
}

/** Longer than any line of a trail; what is longer is none, and need not be held to be read. */
export const maxLineBytes: number = 4 * 1024 * 1024;

// The last character of 64 bytes in base64url has four bits that mean nothing; they are zero.
const signedPattern =
  /^\{"audit":"(?!checkpoint.*"lost":)(start|checkpoint)","chain":"([0-9a-f-]{36})","time":"([0-9TZ:.-]{24})","previous":"([0-9a-f]{64})"(?:,"torn":([1-9]\d{0,15}))?(,"lost":true)?,"link":([1-9]\d{0,15}),"hash":"([0-9a-f]{64})","key":"([0-9a-f]{16})","signature":"([\w-]{85}[AQgw])"\}$/;
// A record may hold U+2028 and U+2029, which end a line for a pattern and not for JSON.
const batchPattern = /^\{"time":.*,"link":([1-9]\d{0,15}),"hash":"([0-9a-f]{64})","mac":"([0-9a-f]{32})"\}$/s;

/** Reads a line; undefined for one that ends no link. Only what the broker itself would write is one. */
export function parseLink(line: string): Link | undefined {
  if (line.startsWith('{"audit":"')) return parseSigned(line);
  const found = batchPattern.exec(line);
  if (found === null) return undefined;
  const [, link, hash = "", mac = ""] = found;
  return { kind: "batch", link: Number(link), hash, mac };
}

function parseSigned(line: string): SignedLink | undefined {
  const found = signedPattern.exec(line);
  if (found === null) return undefined;
  const [, kind, chain = "", time = "", previous = "", torn = "0", lost, link, hash = "", key = "", signature = ""] =
    found;
  const told = { chain, time, previous, link: Number(link), torn: Number(torn), isAfterLoss: lost !== undefined };
  return { kind: kind === "start" ? "start" : "checkpoint", ...told, hash, key, signature };
}
