import type { FileHandle } from "node:fs/promises";
import { type ChainEnd, type Link, maxLineBytes, parseLink } from "./chain-link.js";

const chunkBytes = 64 * 1024;
const newline = 0x0a;

/** Where a file's chain ends. */
export interface FileTail {
  readonly end: ChainEnd | undefined;
  /** The same link as it stands there. */
  readonly last: Link | undefined;
  /** Where the line after the last link begins. */
  readonly endOffset: number;
  /** Whether the last line has its end. */
  readonly isWhole: boolean;
}

/**
 * Finds the last link of a file, from its end: as far back as the next line that names the chain, which a busy broker
 * writes every second.
 */
export async function readTail(handle: FileHandle, size: number): Promise<FileTail> {
  let last: { readonly link: Link; readonly endOffset: number } | undefined;
  let isWhole = true;
  for await (const { bytes, offset } of linesBackwards(handle, size)) {
    const isEnded = bytes.at(-1) === newline;
    if (offset + bytes.length === size) isWhole = isEnded;
    if (!isEnded || bytes.length > maxLineBytes) continue;
    const link = parseLink(bytes.toString("utf8").trimEnd());
    if (link === undefined) continue;
    last ??= { link, endOffset: offset + bytes.length };
    if (link.kind === "batch") continue;
    const { link: found, endOffset } = last;
    const end = { chain: link.chain, link: found.link, hash: found.hash };
    return { end, last: found, endOffset, isWhole };
  }
  return { end: undefined, last: undefined, endOffset: 0, isWhole };
}

/** Lines with their ends, the last one first; of one that is too long, the pieces. */
async function* linesBackwards(
  handle: FileHandle,
  size: number,
): AsyncGenerator<{ readonly bytes: Buffer; readonly offset: number }> {
  let pending = Buffer.alloc(0);
  for (let start = size; start > 0;) {
    const length = Math.min(Math.max(chunkBytes, pending.length), start);
    start -= length;
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, start);
    pending = Buffer.concat([buffer.subarray(0, bytesRead), pending]);
    for (;;) {
      // The end of the line before the last one; the last line's own end does not count.
      const before = pending.length < 2 ? -1 : pending.lastIndexOf(newline, pending.length - 2);
      if (before === -1) break;
      yield { bytes: pending.subarray(before + 1), offset: start + before + 1 };
      pending = pending.subarray(0, before + 1);
    }
    if (pending.length > maxLineBytes) {
      yield { bytes: pending, offset: start };
      pending = Buffer.alloc(0);
    }
  }
  if (pending.length > 0) yield { bytes: pending, offset: 0 };
}
