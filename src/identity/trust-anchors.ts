import { hash, type KeyObject, type X509Certificate } from "node:crypto";

/** The authority that has signed a certificate. */
export interface Issuer {
  /** Names the authority by its name and key, which a renewed certificate of it keeps. */
  readonly anchor: string;
  /** When its own certificate expires, in milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

interface Anchor {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
  readonly id: string;
}

/**
 * The authorities whose certificates are trusted. OpenSSL judges certificates in the handshake; this tells which
 * authority has signed one, so that trust can be taken back from connections that are there already.
 */
export class TrustAnchors {
  readonly #anchors: readonly Anchor[];
  readonly #ids: ReadonlySet<string>;

  constructor(certificates: readonly X509Certificate[]) {
    this.#anchors = certificates.map((certificate) => {
      const key = certificate.publicKey;
      const spki = key.export({ type: "spki", format: "der" }).toString("hex");
      return { certificate, key, id: hash("sha256", `${certificate.subject}\n${spki}`, "hex") };
    });
    this.#ids = new Set(this.#anchors.map(({ id }) => id));
  }

  /** Whether an authority is one of them. */
  has(anchor: string): boolean {
    return this.#ids.has(anchor);
  }

  /** Whether the same authorities are trusted by others. */
  equals(others: TrustAnchors): boolean {
    return this.#ids.size === others.#ids.size && [...this.#ids].every((id) => others.#ids.has(id));
  }

  /** Who of them has signed a certificate; undefined when it was none of them, but perhaps one they have signed. */
  issuerOf(certificate: X509Certificate): Issuer | undefined {
    const issuer = this.#anchors.find((anchor) => isIssuedBy(certificate, anchor));
    return issuer && { anchor: issuer.id, expiresAtMs: issuer.certificate.validToDate.getTime() };
  }
}

function isIssuedBy(certificate: X509Certificate, { certificate: issuer, key }: Anchor): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(key);
}
