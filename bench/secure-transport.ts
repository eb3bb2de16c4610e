import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAccessToken, hashOfToken } from "#built/identity/access-token.js";
import { type Issued, TestAuthority } from "../test/tls/test-authority.ts";
import type { LoadIdentity } from "./read-load.ts";

/** No broker warns of certificates that last as long. */
const toSeconds = 90 * 24 * 60 * 60;

/** Certificates and a token for one bench; their folder is removed when the process ends. */
export class SecureTransport {
  /** The principal of the certificate. */
  readonly principal = "spiffe://example.org/bench";
  readonly #token = createAccessToken();
  readonly #authority: TestAuthority;
  readonly #server: Issued;
  readonly #client: Issued;

  constructor() {
    const folder = mkdtempSync(join(tmpdir(), "secret-broker-bench-tls-"));
    process.on("exit", () => {
      rmSync(folder, { recursive: true, force: true });
    });
    this.#authority = new TestAuthority(folder, "authority");
    this.#server = this.#authority.issue("server", { san: "DNS:localhost", usage: "serverAuth", toSeconds });
    this.#client = this.#authority.issue("client", { san: `URI:${this.principal}`, usage: "clientAuth", toSeconds });
  }

  /** What a subject is started with: certificate, key, authority, and the token's hash. */
  get subjectArguments(): readonly string[] {
    const { certificateFile, keyFile } = this.#server;
    return [certificateFile, keyFile, this.#authority.certificateFile, hashOfToken(this.#token)];
  }

  /** A load that shows its certificate. */
  get byCertificate(): LoadIdentity {
    const { certificate: cert, key } = this.#client;
    return { tls: { ca: this.#authority.certificate, cert, key } };
  }

  /** A load with a token and no certificate. */
  get byToken(): LoadIdentity {
    return { tls: { ca: this.#authority.certificate }, token: this.#token };
  }

  /** Whoever fills the broker, over its plaintext listener. */
  get token(): string {
    return this.#token;
  }
}
