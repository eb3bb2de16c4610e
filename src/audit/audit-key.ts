import {
  createHash,
  createHmac,
  createPublicKey,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { type Payload, payloadBytes } from "../domain/payload.js";
import { type BatchLink, type SignedLink, signedText } from "./chain-link.js";

/** Signs checkpoints, and tells payloads apart without knowing them. */
export interface AuditKey {
  /** The id of its public key. */
  readonly id: string;
  sign(link: Pick<SignedLink, "kind" | "hash">): string;
  /** A keyed hash of a link's hash, in hexadecimal. */
  mac(hash: string): string;
  /** A keyed hash of a payload, in hexadecimal: the same for the same bytes, and of no use without the key. */
  payloadHash(payload: Payload): string;
  /** What checks the signatures, as SPKI in PEM. */
  readonly publicKeyPem: string;
}

/** Checks signatures. */
export interface AuditVerifier {
  readonly id: string;
  isSigned(link: SignedLink): boolean;
  /** Undefined for a public key, which cannot tell. */
  readonly hasMac?: (link: BatchLink) => boolean;
}

/** Half a SHA-256, in hexadecimal: enough to tell any payloads apart, and not to be guessed. */
const keyedHashLength = 32;

/** The key of an audit trail. @param privateKey Ed25519 (RFC 8032) */
export function createAuditKey(privateKey: KeyObject): AuditKey {
  const publicKey = createPublicKey(privateKey);
  const [payloadKey, linkKey] = [derivedKey(privateKey, "payload hash"), derivedKey(privateKey, "link")];
  return {
    id: keyIdOf(publicKey),
    sign: (link) => sign(null, Buffer.from(signedText(link)), privateKey).toString("base64url"),
    mac: (hash) => keyedHash(linkKey, hash),
    payloadHash: (payload) => keyedHash(payloadKey, payloadBytes(payload)),
    publicKeyPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

/** Checks what a private key signs, and what nobody else can. */
export function createAuditVerifierOf(key: AuditKey): AuditVerifier {
  const verifier = createAuditVerifier(createPublicKey(key.publicKeyPem));
  return { ...verifier, hasMac: ({ hash, mac }) => key.mac(hash) === mac };
}

/** Checks what a key has signed. @param publicKey Ed25519 */
export function createAuditVerifier(publicKey: KeyObject): AuditVerifier {
  return {
    id: keyIdOf(publicKey),
    isSigned: (link) =>
      verify(null, Buffer.from(signedText(link)), publicKey, Buffer.from(link.signature, "base64url")),
  };
}

/** A key of its own for each purpose, so that what signs is used for nothing else (HKDF, RFC 5869). */
function derivedKey(privateKey: KeyObject, purpose: string): KeyObject {
  const { d = "" } = privateKey.export({ format: "jwk" });
  const seed = Buffer.from(d, "base64url");
  const derived = Buffer.from(hkdfSync("sha256", seed, "", `secret-broker audit ${purpose}`, 32));
  seed.fill(0);
  try {
    return createSecretKey(derived);
  } finally {
    derived.fill(0);
  }
}

function keyedHash(key: KeyObject, data: string | Uint8Array): string {
  return createHmac("sha256", key).update(data).digest("hex").slice(0, keyedHashLength);
}

function keyIdOf(publicKey: KeyObject): string {
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("hex")
    .slice(0, 16);
}
