import { createHash, type KeyObject, timingSafeEqual } from "node:crypto";
import { SecretError } from "../domain/secret-error.js";
import { decrypt, encrypt } from "./authenticated-cipher.js";

/** What a key management service answered for a wrapping key; it wants to see all of it again. */
export interface KmsSealedKey {
  readonly keyId: string;
  readonly ciphertext: Uint8Array;
  readonly annotations: ReadonlyMap<string, Uint8Array>;
}

/** Stored bytes taken apart. */
export interface KmsEnvelope extends KmsSealedKey {
  /** The data key under the wrapping key. */
  readonly sealed: Uint8Array;
  /** What the data key is bound to. */
  readonly binding: Uint8Array;
  /** The same for all data keys under the same wrapping key, and for no others. */
  readonly wrappingKeyId: string;
}

/** The first byte of every envelope. */
const format = 1;
const digestBytes = 32;
const lengthBytes = 4;

/**
 * Puts a data key under a wrapping key, bound to its context, the service's key and the service's whole answer: a format
 * byte, a digest, the answer, the encrypted data key.
 */
export function sealEnvelope(
  [wrappingKey, dataKey]: readonly [KeyObject, Uint8Array],
  answer: KmsSealedKey,
  context: string,
): Uint8Array {
  const head = headOf(answer);
  const binding = bindingOf(context, answer.keyId, head);
  const sealed = encrypt(wrappingKey, dataKey, binding);
  return Buffer.concat([Uint8Array.of(format), digestOf(binding, sealed), withLength(head), sealed]);
}

/** What {@link KmsEnvelope.wrappingKeyId} is of what a wrapping key wraps. */
export function wrappingKeyIdOf(answer: KmsSealedKey): string {
  return idOf(answer.keyId, headOf(answer));
}

function idOf(keyId: string, head: Uint8Array): string {
  return `${keyId}:${createHash("sha256").update(head).digest("base64")}`;
}

/**
 * Takes apart what {@link sealEnvelope} made. The digest tells damage and rows that changed places before the service is
 * asked, as its refusals have no reason that could be relied on; what was forged is told by {@link openEnvelope}.
 * @throws SecretError `PAYLOAD_CORRUPT`
 */
export function readEnvelope(bytes: Uint8Array, keyId: string, context: string): KmsEnvelope {
  const reader = new LengthReader(bytes.subarray(1 + digestBytes));
  if (bytes[0] !== format) throw corrupt();
  const head = reader.next();
  const sealed = reader.rest();
  const binding = bindingOf(context, keyId, head);
  if (!timingSafeEqual(digestOf(binding, sealed), bytes.subarray(1, 1 + digestBytes))) throw corrupt();
  return { keyId, ...readHead(head), sealed, binding, wrappingKeyId: idOf(keyId, head) };
}

/**
 * The data key.
 * @throws SecretError `PAYLOAD_CORRUPT`
 */
export function openEnvelope({ sealed, binding }: KmsEnvelope, wrappingKey: KeyObject): Uint8Array {
  return decrypt(wrappingKey, sealed, binding);
}

function bindingOf(context: string, keyId: string, head: Uint8Array): Uint8Array {
  const parts = ["secret-broker key management service v1", keyId].map((text) => Buffer.from(text, "utf8"));
  return Buffer.concat([...parts, head, Buffer.from(context, "utf8")].map(withLength));
}

function digestOf(binding: Uint8Array, sealed: Uint8Array): Uint8Array {
  return createHash("sha256").update(binding).update(sealed).digest();
}

function headOf({ ciphertext, annotations }: KmsSealedKey): Uint8Array {
  const parts = [...annotations].flatMap(([name, value]) => [Buffer.from(name, "utf8"), value]);
  return Buffer.concat([ciphertext, ...parts].map(withLength));
}

function readHead(head: Uint8Array): Omit<KmsSealedKey, "keyId"> {
  const reader = new LengthReader(head);
  const ciphertext = reader.next();
  const annotations = new Map<string, Uint8Array>();
  while (!reader.isAtEnd) annotations.set(Buffer.from(reader.next()).toString("utf8"), reader.next());
  return { ciphertext, annotations };
}

function withLength(bytes: Uint8Array): Uint8Array {
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Reads parts that have their length before them. */
class LengthReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** @throws SecretError `PAYLOAD_CORRUPT` when it ends before */
  next(): Uint8Array {
    const start = this.#at + lengthBytes;
    if (start > this.#bytes.length) throw corrupt();
    const end = start + this.#bytes.readUInt32BE(this.#at);
    if (end > this.#bytes.length) throw corrupt();
    this.#at = end;
    return this.#bytes.subarray(start, end);
  }

  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }
}

function corrupt(): SecretError {
  return new SecretError("PAYLOAD_CORRUPT", "stored bytes do not verify");
}
