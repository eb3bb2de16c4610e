import type { Payload } from "../../../domain/payload.js";
import type { Tags } from "../../../domain/secret.js";
import type { Payload as WirePayload } from "../../../gen/secretbroker/manager/v1/secret_manager.js";

/** A payload for the wire; its bytes are not copied. */
export function encodePayload(payload: Payload): WirePayload {
  if (typeof payload === "string") return { payload: { $case: "text", value: payload } };
  const value = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  return { payload: { $case: "binary", value } };
}

/** A payload from the wire, whose bytes are copied; undefined where there is none. */
export function decodePayload(message: WirePayload | undefined): Payload | undefined {
  const payload = message?.payload;
  if (payload === undefined) return undefined;
  return payload.$case === "text" ? payload.value : new Uint8Array(payload.value);
}

/** Labels for the wire. */
export function encodeTags(tags: Tags | undefined): Map<string, string> {
  return new Map(Object.entries(tags ?? {}));
}

/** Labels from the wire; undefined when there are none. */
export function decodeTags(tags: ReadonlyMap<string, string>): Tags | undefined {
  return tags.size === 0 ? undefined : Object.fromEntries(tags);
}
