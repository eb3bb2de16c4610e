import { createHash, type Hash } from "node:crypto";
import type { AuditVerifier } from "./audit-key.js";
import { type ChainEnd, type Link, noHash, parseLink, type SignedLink } from "./chain-link.js";

/** Something that is not as it was written. */
export interface ChainFault {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** What a verification found. */
export interface Verification {
  /** Empty when everything is as it was written. */
  readonly faults: readonly ChainFault[];
  /** How many records are in links. */
  readonly records: number;
  /** How many chains there are. Where one ends and the next begins, nothing tells whether the end is missing. */
  readonly chains: number;
  /** How many of them no signature covers: those of the last moments, and those at the end of a chain that another follows. */
  readonly unsigned: number;
  /** How many bytes a crash left that belong to no link; nobody was answered on their strength. */
  readonly torn: number;
  /** How many links before the first one are not in what was given and no fault: they may be kept elsewhere. */
  readonly missingBefore: number;
  /** Where the last chain ends. */
  readonly end: ChainEnd | undefined;
}

/** How many faults are kept; the first ones tell the most. */
const maxFaults = 100;

/** How many chains are told apart. */
const maxChains = 1_000_000;

/** Where a line stands. */
type Place = Omit<ChainFault, "message">;

/** Follows a chain line by line. A fault does not end it: what follows is held against what the line itself says. */
export class ChainVerifier {
  readonly #verifier: AuditVerifier;
  readonly #expected: ChainEnd | undefined;
  readonly #found = { faults: new Array<ChainFault>(), records: 0, torn: 0, missingBefore: 0 };
  /** Since the last signature of this chain, and at the ends of the chains before. */
  readonly #unsigned = { here: 0, before: 0 };
  readonly #chains = new Set<string>();
  #end: ChainEnd | undefined;
  /** Of what came since the last link. */
  #body = new Body(noHash);
  #place: Place = { file: "", line: 0 };
  #hasMetExpected: boolean;
  /** Whether no link of this file was met yet. */
  #isFileNew = true;

  /** @param expected a link that is known to have been written, and must be there */
  constructor(verifier: AuditVerifier, expected?: ChainEnd) {
    this.#verifier = verifier;
    this.#expected = expected;
    this.#hasMetExpected = expected === undefined;
  }

  /** Whether a fault was found. */
  get isFaulty(): boolean {
    return this.#found.faults.length > 0;
  }

  /** @param line without its end */
  take(line: Buffer, place: Place): void {
    this.#place = place;
    if (place.line === 1) this.#isFileNew = true;
    const link = parseLink(line.toString("utf8"));
    if (link === undefined) this.#body.addLine(line);
    else this.#takeLink(link, line.subarray(0, line.lastIndexOf(',"hash":"')));
  }

  /** Takes bytes after the last whole line, or of one that is too long to be looked at. */
  takeRest(rest: Buffer, place: Place): void {
    this.#place = place;
    if (place.line === 1) this.#isFileNew = true;
    this.#body.add(rest);
  }

  /** What was found of everything that was taken. */
  finish(): Verification {
    if (this.#body.bytes > 0) {
      this.#fault(
        `${String(this.#body.bytes)} bytes follow the last link: a crash left them, and the next start of the broker settles them, or somebody added them`,
      );
    }
    if (!this.#hasMetExpected) {
      this.#fault(`link ${String(this.#expected?.link)} was written and is not there: the end is missing, or another`);
    }
    const { here, before } = this.#unsigned;
    return { ...this.#found, chains: this.#chains.size, unsigned: here + before, end: this.#end };
  }

  #takeLink(link: Link, prefix: Buffer): void {
    if (this.#isFileNew && link.kind !== "start")
      this.#fault("the beginning of the file is missing: its first link must be a start");
    this.#isFileNew = false;
    const before = this.#before(link);
    this.#checkBody(link);
    if (this.#body.hashAfter(before.hash, prefix) !== link.hash)
      this.#fault("what stands here or before it was changed");
    if (link.link !== before.link + 1) {
      this.#fault(`link ${String(link.link)} follows link ${String(before.link)}: links are missing, or moved`);
    }
    if (link.kind !== "batch") this.#checkSignature(link);
    this.#end = { chain: before.chain, link: link.link, hash: link.hash };
    this.#body = new Body(link.hash);
    this.#meet(this.#end);
  }

  /** What a link builds on: the one before it, unless it begins what is looked at. */
  #before(link: Link): ChainEnd {
    const end = this.#end;
    if (link.kind === "start" && end?.chain !== link.chain) return this.#beginning(link);
    if (end === undefined) return unknownBefore(link);
    return link.kind === "batch" ? end : this.#following(link, end);
  }

  #following(link: SignedLink, end: ChainEnd): ChainEnd {
    if (link.kind === "start" && link.link > end.link + 1) return this.#afterGap(link, end.link + 1);
    if (end.chain !== "" && link.chain !== end.chain) this.#fault("this is of another chain");
    if (link.previous !== end.hash) this.#fault("this does not follow the link before it");
    return { ...end, chain: link.chain };
  }

  #beginning(start: SignedLink): ChainEnd {
    const { chain, link, previous, isAfterLoss } = start;
    this.#unsigned.before += this.#unsigned.here;
    this.#unsigned.here = 0;
    if (this.#chains.has(chain)) this.#fault("a chain begins here that was there before");
    else if (this.#chains.size >= maxChains) this.#fault("there are more chains than can be told apart");
    else this.#chains.add(chain);
    if (link !== 1 && (isAfterLoss || this.#end !== undefined)) return this.#afterGap(start, 1);
    this.#found.missingBefore += link - 1;
    if (link === 1 && previous !== noHash) this.#fault("a chain begins here, and names a link before it");
    return { chain, link: link - 1, hash: previous };
  }

  /** Goes on from what a start says it builds on. @param first the first of the links that are not there */
  #afterGap({ chain, link, time, previous, isAfterLoss }: SignedLink, first: number): ChainEnd {
    const last = link - 1;
    const missing =
      first === last ? `link ${String(last)} is missing` : `links ${String(first)} to ${String(last)} are missing`;
    const why = isAfterLoss
      ? `the broker noticed the loss at ${time}; what was only moved away can be put back`
      : "what stood between this and what comes before it is not there";
    this.#fault(`${missing}: ${why}`);
    return { chain, link: last, hash: previous };
  }

  #checkBody(link: Link): void {
    const { bytes, lines } = this.#body;
    if (link.kind === "batch") {
      this.#found.records += lines + 1;
      this.#unsigned.here += lines + 1;
      if (this.#verifier.hasMac?.(link) === false) this.#fault("the mac is not the broker's: somebody else wrote this");
      return;
    }
    this.#unsigned.here = 0;
    if (bytes !== link.torn) this.#fault(`${String(bytes)} bytes that belong to no link stand before this one`);
    this.#found.torn += bytes;
  }

  #checkSignature(link: SignedLink): void {
    if (link.key !== this.#verifier.id) this.#fault(`this is signed with another key, ${link.key}`);
    else if (!this.#verifier.isSigned(link)) this.#fault("the signature is not the broker's");
  }

  #meet({ chain, link, hash }: ChainEnd): void {
    const expected = this.#expected;
    if (chain !== expected?.chain || link !== expected.link) return;
    this.#hasMetExpected = true;
    if (hash !== expected.hash) this.#fault(`link ${String(link)} is not the one that was written`);
  }

  #fault(message: string): void {
    const { faults } = this.#found;
    if (faults.length < maxFaults) faults.push({ ...this.#place, message });
  }
}

/** What a link says it builds on; a batch's does not. */
function unknownBefore(link: Link): ChainEnd {
  const [chain, hash] = link.kind === "batch" ? ["", noHash] : [link.chain, link.previous];
  return { chain, link: link.link - 1, hash };
}

/** What stands between two links, as its hash. */
class Body {
  bytes = 0;
  lines = 0;
  readonly #hash: Hash;

  /** @param previous what the next link most likely builds on */
  constructor(previous: string) {
    this.#hash = createHash("sha256").update(`${previous}\n`);
  }

  addLine(line: Buffer): void {
    this.add(line);
    this.add(lineEnd);
    this.lines += 1;
  }

  add(bytes: Buffer): void {
    this.bytes += bytes.length;
    this.#hash.update(bytes);
  }

  /** @param previous what the link does build on; where bytes stand before it, it must be what was likely */
  hashAfter(previous: string, prefix: Buffer): string {
    const hash = this.bytes > 0 ? this.#hash : createHash("sha256").update(`${previous}\n`);
    return hash.update(prefix).digest("hex");
  }
}

const lineEnd = Buffer.from("\n");
