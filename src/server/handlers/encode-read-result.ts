import type { ReadOrigin } from "../../broker/read-origin.js";
import type { ReadResult } from "../../broker/read-secret.js";
import type { Secret } from "../../domain/secret.js";
import { ReadSecretResponse } from "../../gen/secretbroker/v1/secret_broker.js";
import { writeNumber } from "./wire-number.js";
import { wholeAgeMs, wireReadResult, wireServedFrom } from "./read-secret.js";

/** As the manager's own answer to this call. */
const askedNow: ReadOrigin = { servedFrom: "manager", ageMs: undefined };

// secret → its answer as the manager's own, as long as the secret lives
const encoded = new WeakMap<Secret, Buffer>();

/**
 * The bytes of a read's answer. The guard and the cache give out a frozen secret, one and the same, as long as what is
 * known stays the same; such a hot secret is encoded once. Where an answer came from and its age are its last fields, so
 * they are written over a copy's end.
 */
export function encodeReadResult(result: ReadResult): Buffer {
  const { secret, origin } = result;
  if (result.notModified || !Object.isFrozen(secret)) return encode(result);
  let known = encoded.get(secret);
  if (known === undefined) encoded.set(secret, (known = encode({ secret, notModified: false, origin: askedNow })));
  return origin.servedFrom === "manager" ? known : withOrigin(known, origin);
}

function encode(result: ReadResult): Buffer {
  return Buffer.from(ReadSecretResponse.encode(wireReadResult(result)).finish());
}

/** Field 4, a message. */
const ageTag = 0x22;
/** Fields 1 and 2 of a duration, both numbers. */
const secondsTag = 0x08;
const nanosTag = 0x10;

/** The tag and the length of the age, two tags, and two numbers of five bytes at most. */
const maxAgeBytes = 14;

/** The last byte of the known answer is where it came from. */
function withOrigin(known: Buffer, { servedFrom, ageMs }: ReadOrigin): Buffer {
  const answer = Buffer.allocUnsafe(known.length + maxAgeBytes);
  known.copy(answer);
  answer[known.length - 1] = wireServedFrom[servedFrom];
  if (ageMs === undefined) return answer.subarray(0, known.length);
  const wholeMs = wholeAgeMs(ageMs);
  const seconds = Math.floor(wholeMs / 1_000);
  const nanos = (wholeMs - seconds * 1_000) * 1_000_000;
  const lengthAt = known.length + 1;
  answer[known.length] = ageTag;
  let end = lengthAt + 1;
  if (seconds > 0) end = writeNumber(answer, seconds, writeByte(answer, secondsTag, end));
  if (nanos > 0) end = writeNumber(answer, nanos, writeByte(answer, nanosTag, end));
  answer[lengthAt] = end - lengthAt - 1;
  return answer.subarray(0, end);
}

function writeByte(bytes: Buffer, value: number, at: number): number {
  bytes[at] = value;
  return at + 1;
}
