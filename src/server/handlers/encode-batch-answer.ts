import type { BatchItem } from "../../broker/broker.js";
import type { SecretError } from "../../domain/secret-error.js";
import { Status } from "../../gen/google/rpc/status.js";
import { encodeStatus } from "../../rpc/encode-status.js";
import { encodeReadResult } from "./encode-read-result.js";
import { numberLength, writeNumber } from "./wire-number.js";

/** What became of the reads of a batch, and under which id. */
export interface BatchAnswer {
  readonly items: readonly BatchItem[];
  readonly requestId: string;
}

/** One result: what it is, and its bytes. */
interface EncodedItem {
  readonly tag: number;
  readonly bytes: Uint8Array;
}

/** Field 1 of the answer, a message: a result. */
const resultTag = 0x0a;
/** Fields 1 and 2 of a result, messages too. */
const readTag = 0x0a;
const errorTag = 0x12;

/** The bytes of a batch's answer: of each read those that it alone is answered with, a hot secret's from before. */
export function encodeBatchAnswer({ items, requestId }: BatchAnswer): Buffer {
  const encoded = items.map((item) => encodeItem(item, requestId));
  const lengths = encoded.map(({ bytes }) => 1 + numberLength(bytes.length) + bytes.length);
  const answer = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + 1 + numberLength(length) + length, 0));
  let end = 0;
  for (const [index, { tag, bytes }] of encoded.entries()) {
    end = writeHeader(answer, end, [resultTag, lengths[index] ?? 0]);
    end = writeHeader(answer, end, [tag, bytes.length]);
    answer.set(bytes, end);
    end += bytes.length;
  }
  return answer;
}

function encodeItem(item: BatchItem, requestId: string): EncodedItem {
  if ("error" in item) return { tag: errorTag, bytes: encodeError(item.error, requestId) };
  return { tag: readTag, bytes: encodeReadResult(item.read) };
}

function encodeError(error: SecretError, requestId: string): Uint8Array {
  return Status.encode(encodeStatus(error, requestId)).finish();
}

function writeHeader(answer: Buffer, at: number, [tag, length]: readonly [number, number]): number {
  answer[at] = tag;
  return writeNumber(answer, length, at + 1);
}
