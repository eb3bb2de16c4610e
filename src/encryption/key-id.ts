import { createHash } from "node:crypto";

/** How much of the digest an id shows: enough to tell keys apart, and nothing to find a key by. */
const idLength = 16;

/** An id that belongs to the key's bytes: another key under a known id is noticed. */
export function keyIdOf(key: Uint8Array): string {
  return createHash("sha256").update("secret-broker key id").update(key).digest("hex").slice(0, idLength);
}
