import { hash, type KeyObject, type X509Certificate } from "node:crypto";

/** How a certificate is trusted: through whom, and until when. */
export interface TrustedChain {
  /** Names the authority by its name and key, which a renewed certificate of it keeps. */
  readonly anchor: string;
  /** When the first certificate of the chain expires, in milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

interface Anchor {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
  readonly id: string;
}

/** More issuers than any real chain has. */
const maxChainLength = 10;

/**
 * The authorities whose certificates are trusted. OpenSSL judges chains in the handshake; this tells which authority one
 * ended at, so that trust can be taken back from connections that are there already.
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

  /** Follows a chain that OpenSSL has accepted to one of them; undefined when it does not end there. */
  verify(leaf: X509Certificate): TrustedChain | undefined {
    let expiresAtMs = Infinity;
    let certificate: X509Certificate | undefined = leaf;
    for (let length = 0; certificate !== undefined && length < maxChainLength; length += 1) {
      const current: X509Certificate = certificate;
      expiresAtMs = Math.min(expiresAtMs, current.validToDate.getTime());
      const issuer = this.#anchors.find((anchor) => isIssuedBy(current, anchor));
      if (issuer !== undefined) {
        return { anchor: issuer.id, expiresAtMs: Math.min(expiresAtMs, issuer.certificate.validToDate.getTime()) };
      }
      certificate = current.issuerCertificate;
    }
    return undefined;
  }
}

function isIssuedBy(certificate: X509Certificate, { certificate: issuer, key }: Anchor): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(key);
}
