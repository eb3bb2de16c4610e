import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import { SecretError } from "../../domain/secret-error.js";
import { type CredentialReader, type PemSource, readCredential } from "./credential-source.js";

/** How a connection is encrypted, and how both sides are proven. */
export interface TlsOptions {
  /** The authorities a broker's certificate is checked against; the system's unless given. */
  readonly ca?: PemSource | undefined;
  /** The certificate that proves who calls, with its chain; together with `key`. */
  readonly certificate?: PemSource | undefined;
  /** The private key of `certificate`. */
  readonly key?: PemSource | undefined;
  /** The name a broker's certificate must hold, where that is not the host of the address. */
  readonly serverName?: string | undefined;
}

type Pem = string | Uint8Array;

interface Loaded {
  readonly pems: readonly (Pem | undefined)[];
  readonly context: SecureContext;
}

/** What TLS is spoken with. Files are looked at again for each connection, so that renewed ones need no restart. */
export class TlsMaterial {
  readonly serverName: string | undefined;
  readonly #readers: readonly (CredentialReader<Pem> | undefined)[];
  #loaded: Loaded | undefined;

  /** @throws SecretError `FIELD_INVALID` when a certificate has no key, or a key no certificate */
  constructor({ ca, certificate, key, serverName }: TlsOptions) {
    if ((certificate === undefined) !== (key === undefined)) {
      const description = "must be given together with tls.key, or neither";
      throw SecretError.fieldInvalid([{ field: "tls.certificate", description }]);
    }
    this.serverName = serverName;
    this.#readers = [reader(ca, "tls.ca"), reader(certificate, "tls.certificate"), reader(key, "tls.key")];
  }

  /**
   * The context for a new connection; the same one as long as nothing has changed.
   * @throws SecretError `CREDENTIAL_MISSING`, `CREDENTIAL_INVALID`
   */
  async context(): Promise<SecureContext> {
    const pems = await Promise.all(this.#readers.map(async (each) => await each?.read()));
    if (this.#loaded !== undefined && isSame(this.#loaded.pems, pems)) return this.#loaded.context;
    try {
      const context = createContext(pems);
      this.#loaded = { pems, context };
      return context;
    } catch (error) {
      for (const each of this.#readers) each?.forget();
      // Of two files that are renewed one after the other, the first does not go with the second's old content.
      if (this.#loaded !== undefined) return this.#loaded.context;
      throw error;
    }
  }
}

function reader(source: PemSource | undefined, what: string): CredentialReader<Pem> | undefined {
  return source === undefined ? undefined : readCredential<Pem>(source, what);
}

function isSame(a: readonly (Pem | undefined)[], b: readonly (Pem | undefined)[]): boolean {
  return a.every((pem, index) => {
    const other = b[index];
    if (pem === other) return true;
    return pem !== undefined && other !== undefined && Buffer.from(pem).equals(Buffer.from(other));
  });
}

function createContext([ca, certificate, key]: readonly (Pem | undefined)[]): SecureContext {
  try {
    if (certificate !== undefined && key !== undefined) assertPair(certificate, key);
    return createSecureContext({
      minVersion: "TLSv1.3",
      ...(ca !== undefined && { ca: Buffer.from(ca) }),
      ...(certificate !== undefined && { cert: Buffer.from(certificate) }),
      ...(key !== undefined && { key: Buffer.from(key) }),
    });
  } catch (cause) {
    if (cause instanceof SecretError) throw cause;
    const message = "tls.ca, tls.certificate and tls.key must be PEM text that OpenSSL can read";
    throw new SecretError("CREDENTIAL_INVALID", message, { cause });
  }
}

function assertPair(certificate: Pem, key: Pem): void {
  if (new X509Certificate(certificate).checkPrivateKey(createPrivateKey(Buffer.from(key)))) return;
  throw new SecretError("CREDENTIAL_INVALID", "tls.key is not the private key of tls.certificate");
}
