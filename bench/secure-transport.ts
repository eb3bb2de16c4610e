import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { createAccessToken, hashOfToken } from "#built/identity/access-token.js";
import { type Issued, TestAuthority } from "../test/tls/test-authority.ts";
import type { LoadIdentity } from "./read-load.ts";

/** No broker warns of certificates that last as long. */
const toSeconds = 90 * 24 * 60 * 60;

/** The subjects' issuer of JSON Web Tokens, and what they are for. */
const claims = { issuer: "https://issuer.example.org", subject: "bench-jwt", audience: "secret-broker" } as const;

/** Certificates and tokens for one bench; their folder is removed when the process ends. */
export class SecureTransport {
  /** The principal of the certificate. */
  readonly principal = "spiffe://example.org/bench";
  readonly #token = createAccessToken();
  readonly #authority: TestAuthority;
  readonly #server: Issued;
  readonly #client: Issued;
  readonly #jwtKey: KeyObject;
  readonly #jwksFile: string;

  constructor() {
    const folder = mkdtempSync(join(tmpdir(), "secret-broker-bench-tls-"));
    process.on("exit", () => {
      rmSync(folder, { recursive: true, force: true });
    });
    this.#authority = new TestAuthority(folder, "authority");
    this.#server = this.#authority.issue("server", { san: "DNS:localhost", usage: "serverAuth", toSeconds });
    this.#client = this.#authority.issue("client", { san: `URI:${this.principal}`, usage: "clientAuth", toSeconds });
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#jwtKey = privateKey;
    this.#jwksFile = join(folder, "jwks.json");
    const key = { ...publicKey.export({ format: "jwk" }), kid: "bench", alg: "ES256", use: "sig" };
    writeFileSync(this.#jwksFile, JSON.stringify({ keys: [key] }));
  }

  /** What a subject is started with: certificate, key, authority, the token's hash, and the issuer's keys. */
  get subjectArguments(): readonly string[] {
    const { certificateFile, keyFile } = this.#server;
    return [certificateFile, keyFile, this.#authority.certificateFile, hashOfToken(this.#token), this.#jwksFile];
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

  /** A load with a JSON Web Token, which the broker remembers once it has checked it. */
  async byJwt(): Promise<LoadIdentity> {
    const { issuer, subject, audience } = claims;
    const unsigned = new SignJWT().setIssuer(issuer).setSubject(subject).setAudience(audience);
    const token = await unsigned
      .setProtectedHeader({ alg: "ES256", kid: "bench" })
      .setIssuedAt()
      .setExpirationTime("6h")
      .sign(this.#jwtKey);
    return { tls: { ca: this.#authority.certificate }, token };
  }

  /** Whoever fills the broker, over its plaintext listener. */
  get token(): string {
    return this.#token;
  }
}
