import type { Payload } from "../domain/payload.js";
import { SecretError } from "../domain/secret-error.js";

/** A value JSON can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** What a manager is told beyond the request, untouched by the broker and never logged. */
export type ManagerOptions = Readonly<Record<string, JsonValue>>;

const maxUint32 = 2 ** 32 - 1;

/**
 * A payload for a request; bytes are not copied.
 * @throws SecretError `FIELD_INVALID` for text that is not valid Unicode, which the encoding would silently change
 */
export function encodePayload(payload: Payload): { $case: "text"; value: string } | { $case: "binary"; value: Buffer } {
  if (typeof payload === "string") return { $case: "text", value: encodeText("payload", payload) };
  return { $case: "binary", value: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength) };
}

/**
 * Text for a request.
 * @throws SecretError `FIELD_INVALID` for text that is not valid Unicode
 */
export function encodeText(field: string, text: string): string {
  if (text.isWellFormed()) return text;
  throw SecretError.fieldInvalid([{ field, description: "must be valid Unicode" }]);
}

/**
 * A whole number for a request.
 * @throws SecretError `FIELD_INVALID` for one the wire cannot carry
 */
export function encodeUint32<T extends number | undefined>(field: string, value: T): T {
  if (value === undefined || (Number.isInteger(value) && value >= 0 && value <= maxUint32)) return value;
  const description = `must be a whole number from 0 to ${String(maxUint32)}`;
  throw SecretError.fieldInvalid([{ field, description }]);
}

/**
 * A length of time for a request.
 * @throws SecretError `FIELD_INVALID` for one that is negative or not finite
 */
export function checkLengthMs<T extends number | undefined>(field: string, lengthMs: T): T {
  if (lengthMs === undefined || (Number.isFinite(lengthMs) && lengthMs >= 0)) return lengthMs;
  throw SecretError.fieldInvalid([{ field, description: "must not be negative" }]);
}

/** Labels for a request. */
export function encodeTags(tags: Readonly<Record<string, string>> | undefined): Map<string, string> {
  return new Map(
    Object.entries(tags ?? {}).map(([key, value]) => [encodeText("tags", key), encodeText("tags", value)]),
  );
}
