import {
  createServer as createPlain,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import type { SelfSigned } from "./self-signed.js";

/** A key an issuer signs with. */
export interface SigningKey {
  readonly alg: string;
  readonly kid: string;
  readonly privateKey: CryptoKey;
  /** The public part, as it is published. */
  readonly jwk: JWK;
}

/** What a test changes of a token. */
export interface TokenChanges {
  readonly claims?: JWTPayload;
  /** Members of the header; undefined takes one away. */
  readonly header?: Readonly<Record<string, unknown>>;
  readonly key?: SigningKey;
}

/** What a server answers a path with. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Makes a key pair. */
export async function makeKey(kid: string, alg = "ES256"): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}

/** An issuer of tokens: a real server with its discovery document and key set, which a test can change. */
export class Issuer {
  readonly audience = "secret-broker";
  /** The paths that were asked for, with the authorization that came along. */
  readonly requests: { readonly path: string; readonly authorization: string | undefined }[] = [];
  /** What is published. */
  published: readonly JWK[] = [];
  /** What answers instead of the documents. */
  answer: Answer | undefined;
  readonly #server: Server;
  #key: SigningKey;
  #isListening = true;

  private constructor(server: Server, key: SigningKey) {
    this.#server = server;
    this.#key = key;
    this.published = [key.jwk];
  }

  /** Starts one; with a certificate over HTTPS. */
  static async start(tls?: SelfSigned): Promise<Issuer> {
    const answer: RequestListener = (request, response) => issuer.#respond(request, response);
    const server = tls === undefined ? createPlain(answer) : createServer(tls, answer);
    const issuer = new Issuer(server, await makeKey("first"));
    issuer.#scheme = tls === undefined ? "http" : "https";
    await issuer.#listen(0);
    return issuer;
  }

  #scheme = "http";

  get port(): number {
    return this.#port;
  }

  #port = 0;

  /** Its name, and where it is. */
  get url(): string {
    return `${this.#scheme}://127.0.0.1:${String(this.#port)}`;
  }

  get keysUrl(): string {
    return `${this.url}/keys`;
  }

  get fetches(): number {
    return this.requests.filter(({ path }) => path === "/keys").length;
  }

  /** Signs with another key from now on; what is published is the test's to say. */
  signWith(key: SigningKey): void {
    this.#key = key;
  }

  /** A token that is good for a quarter of an hour. */
  async token(changes: TokenChanges = {}): Promise<string> {
    const { alg, kid, privateKey } = changes.key ?? this.#key;
    const now = Math.floor(Date.now() / 1_000);
    const claims = { iss: this.url, aud: this.audience, sub: "app-a", iat: now, exp: now + 900, ...changes.claims };
    return await new SignJWT(claims).setProtectedHeader({ alg, kid, ...changes.header }).sign(privateKey);
  }

  /** Answers nobody any more, until it is back. */
  async down(): Promise<void> {
    if (!this.#isListening) return;
    this.#isListening = false;
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Is back, at the same place. */
  async up(): Promise<void> {
    await this.#listen(this.#port);
  }

  async #listen(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
    this.#isListening = true;
  }

  #respond(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? "";
    this.requests.push({ path, authorization: request.headers.authorization });
    if (this.answer !== undefined) this.answer(request, response);
    else if (path === "/keys") sendJson(response, { keys: this.published });
    else if (path === "/.well-known/openid-configuration")
      sendJson(response, { issuer: this.url, jwks_uri: this.keysUrl });
    else response.writeHead(404).end();
  }
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}
