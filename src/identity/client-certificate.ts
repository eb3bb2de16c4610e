import type { X509Certificate } from "node:crypto";
import { type CertificateNames, parseCertificateNames } from "./certificate-names.js";
import type { TrustAnchors } from "./trust-anchors.js";

/** Whether a certificate may prove who calls, and why not. */
export type CertificateStanding = "good" | "expired" | "untrusted";

/** What the TLS handshake found out about a client's certificate. */
export interface Presented {
  readonly certificate: X509Certificate;
  /** Why OpenSSL does not accept it; undefined when it does. */
  readonly problem: string | undefined;
}

/** The certificate a client has proven in its handshake to have the key of; looked at once a connection. */
export class ClientCertificate {
  /** Undefined when its alternative names cannot be read without doubt. */
  readonly names: CertificateNames | undefined;
  /** When it or the authority that signed it expires, in milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** For the log: the SHA-256 of the certificate. */
  readonly fingerprint: string;
  readonly #anchor: string | undefined;
  /** Those it was judged by last. */
  #anchors: TrustAnchors;
  #standing: CertificateStanding;

  constructor({ certificate, problem }: Presented, anchors: TrustAnchors) {
    this.names = parseCertificateNames(certificate.subjectAltName);
    this.fingerprint = certificate.fingerprint256;
    // Node.js does not tell a server the authorities in between; of their certificates only OpenSSL knows.
    const issuer = problem === undefined ? anchors.issuerOf(certificate) : undefined;
    this.#anchor = issuer?.anchor;
    this.#anchors = anchors;
    this.expiresAtMs = Math.min(certificate.validToDate.getTime(), issuer?.expiresAtMs ?? Infinity);
    if (problem === undefined) this.#standing = "good";
    else this.#standing = problem === "CERT_HAS_EXPIRED" ? "expired" : "untrusted";
  }

  /** Whether it may prove who calls now. */
  get standing(): CertificateStanding {
    return this.#standing === "good" && this.expiresAtMs <= Date.now() ? "expired" : this.#standing;
  }

  /**
   * Looks again where other authorities are trusted than before. One that an authority in between has signed is not followed; its
   * client has to show it again.
   * @returns whether it has just lost the trust it had
   */
  recheck(anchors: TrustAnchors): boolean {
    if (this.#standing !== "good" || anchors.equals(this.#anchors)) return false;
    this.#anchors = anchors;
    if (this.#anchor !== undefined && anchors.has(this.#anchor)) return false;
    this.#standing = "untrusted";
    return true;
  }
}
