import { createHmac, randomBytes } from "node:crypto";
import { payloadBytes } from "../../domain/payload.js";
import type { Secret } from "../../domain/secret.js";

const key = randomBytes(32);

/** What differs between two states of a secret; equal for none but the same. Tells nothing of the payload. */
export function fingerprintOf({ uid = "", version, payload }: Secret): string {
  if (version !== undefined) return `${String(version)}:${uid}`;
  const kind = typeof payload === "string" ? "text" : "binary";
  return createHmac("sha256", key).update(kind).update(payloadBytes(payload)).digest("base64");
}
