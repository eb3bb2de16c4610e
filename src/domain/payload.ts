/**
 * The bytes of a secret: a string when they were written as text, else bytes. Byte-exact in and out.
 *
 * Bytes belong to whoever received the payload last; a sender must not touch them afterwards.
 */
export type Payload = string | Uint8Array;

/** The largest payload in bytes unless the configuration says otherwise. */
export const defaultMaxPayloadBytes: number = 1024 * 1024;

/** How many bytes a payload takes. */
export function payloadByteLength(payload: Payload): number {
  return typeof payload === "string" ? Buffer.byteLength(payload) : payload.byteLength;
}

/** A payload's bytes; a view when it is binary, a copy when it is text. */
export function payloadBytes(payload: Payload): Uint8Array {
  return typeof payload === "string" ? Buffer.from(payload) : payload;
}

/** Whether two payloads hold the same bytes, whatever their form. */
export function equalPayloads(a: Payload, b: Payload): boolean {
  if (typeof a === "string" && typeof b === "string") return a === b;
  return Buffer.compare(payloadBytes(a), payloadBytes(b)) === 0;
}
