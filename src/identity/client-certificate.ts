import type { X509Certificate } from "node:crypto";
import { type CertificateNames, parseCertificateNames } from "./certificate-names.js";
import type { TrustAnchors } from "./trust-anchors.js";

/** Whether a certificate may prove who calls, and why not. */
export type CertificateStanding = "good" | "expired" | "untrusted";

/** What the TLS handshake found out about a client's certificate. */
export interface Presented {
  /** With its issuers, as far as the client sent them. */
  readonly certificate: X509Certificate;
  /** Why OpenSSL does not accept it; undefined when it does. */
  readonly problem: string | undefined;
}

/** The certificate a client has proven in its handshake to have the key of; looked at once a connection. */
export class ClientCertificate {
  /** Undefined when its alternative names cannot be read without doubt. */
  readonly names: CertificateNames | undefined;
  /** When it or one of its issuers expires, in milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** For the log: the SHA-256 of the certificate. */
  readonly fingerprint: string;
  readonly #anchor: string | undefined;
  #standing: CertificateStanding;

  constructor({ certificate, problem }: Presented, anchors: TrustAnchors) {
    this.names = parseCertificateNames(certificate.subjectAltName);
    this.fingerprint = certificate.fingerprint256;
    const chain = problem === undefined ? anchors.verify(certificate) : undefined;
    this.#anchor = chain?.anchor;
    this.expiresAtMs = chain?.expiresAtMs ?? certificate.validToDate.getTime();
    if (problem === "CERT_HAS_EXPIRED") this.#standing = "expired";
    else this.#standing = chain === undefined ? "untrusted" : "good";
  }

  /** Whether it may prove who calls now. */
  get standing(): CertificateStanding {
    return this.#standing === "good" && this.expiresAtMs <= Date.now() ? "expired" : this.#standing;
  }

  /** Looks again once other authorities are trusted. @returns whether it has just lost the trust it had */
  recheck(anchors: TrustAnchors): boolean {
    if (this.#standing !== "good" || (this.#anchor !== undefined && anchors.has(this.#anchor))) return false;
    this.#standing = "untrusted";
    return true;
  }
}
