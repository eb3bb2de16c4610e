import type { ReadResult } from "../../broker/read-secret.js";
import type { Secret } from "../../domain/secret.js";
import { ReadSecretResponse } from "../../gen/secretbroker/v1/secret_broker.js";
import { wireReadResult } from "./read-secret.js";

// secret → its answer, as long as the secret lives
const encoded = new WeakMap<Secret, Buffer>();

/**
 * The bytes of a read's answer. The guard gives out a frozen secret, one and the same, as long as the manager's reply
 * is the same; such a hot secret is encoded once.
 */
export function encodeReadResult(result: ReadResult): Buffer {
  if (result.notModified || !Object.isFrozen(result.secret)) return encode(result);
  const known = encoded.get(result.secret);
  if (known !== undefined) return known;
  const bytes = encode(result);
  encoded.set(result.secret, bytes);
  return bytes;
}

function encode(result: ReadResult): Buffer {
  return Buffer.from(ReadSecretResponse.encode(wireReadResult(result)).finish());
}
