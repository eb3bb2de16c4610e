import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from "node:crypto";
import { SecretError } from "../domain/secret-error.js";
import { randomOwn } from "./random-pool.js";

/** How long keys are, in bytes. */
export const keyBytes = 32;

const algorithm = "aes-256-gcm";
/** The nonce of NIST SP 800-38D, section 8.2.2: 96 random bits. Keys of data are used once, so none comes twice. */
const nonceBytes = 12;
const tagBytes = 16;
/** The first byte of everything encrypted here. */
const format = 1;

/**
 * Encrypts with AES-256-GCM: a format byte, the nonce, the ciphertext, the tag.
 */
export function encrypt(key: Uint8Array | KeyObject, plain: Uint8Array, context: Uint8Array): Uint8Array {
  const nonce = randomOwn(nonceBytes);
  const cipher = createCipheriv(algorithm, objectOf(key), nonce).setAAD(context);
  const encrypted = cipher.update(plain);
  // Gives nothing more in this mode, but makes the tag.
  cipher.final();
  const sealed = Buffer.allocUnsafe(1 + nonceBytes + encrypted.length + tagBytes);
  sealed[0] = format;
  sealed.set(nonce, 1);
  sealed.set(encrypted, 1 + nonceBytes);
  sealed.set(cipher.getAuthTag(), 1 + nonceBytes + encrypted.length);
  return sealed;
}

/**
 * Decrypts what {@link encrypt} made, as an own copy.
 * @throws SecretError `PAYLOAD_CORRUPT` when a bit, the key or the context is another one
 */
export function decrypt(key: Uint8Array | KeyObject, sealed: Uint8Array, context: Uint8Array): Uint8Array {
  if (sealed.length < 1 + nonceBytes + tagBytes || sealed[0] !== format) throw corrupt();
  const end = sealed.length - tagBytes;
  const decipher = createDecipheriv(algorithm, objectOf(key), sealed.subarray(1, 1 + nonceBytes))
    .setAAD(context)
    .setAuthTag(sealed.subarray(end));
  const plain = decipher.update(sealed.subarray(1 + nonceBytes, end));
  try {
    decipher.final();
  } catch {
    plain.fill(0);
    throw corrupt();
  }
  return new Uint8Array(plain.buffer, plain.byteOffset, plain.byteLength);
}

/** Node.js takes bytes as well, but takes seven times as long to find out that they are no key object. */
function objectOf(key: Uint8Array | KeyObject): KeyObject {
  return key instanceof Uint8Array ? createSecretKey(key) : key;
}

function corrupt(): SecretError {
  return new SecretError("PAYLOAD_CORRUPT", "stored bytes do not verify");
}
