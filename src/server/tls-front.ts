import { constants, type X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from "node:tls";
import { ClientCertificate } from "../identity/client-certificate.js";
import { TrustAnchors } from "../identity/trust-anchors.js";

/** Which clients show a certificate. */
export type ClientCertificates = "none" | "optional" | "required";

/** What a listener proves itself with, and whom it trusts; checked. */
export interface TlsMaterial {
  /** PEM, with the issuers that clients need. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  /** The authorities of clients; empty where they show no certificate. */
  readonly clientAuthorities: readonly X509Certificate[];
}

/** Gets a connection whose handshake is done; its certificate by the authorities that were trusted when that began. */
export type OnSecured = (socket: TLSSocket, certificate: ClientCertificate | undefined) => void;

/** A handshake under way. */
interface Handshake {
  readonly onSecured: OnSecured;
  /** The authorities that were trusted when it began, by which OpenSSL judges it, however long its client takes. */
  readonly anchors: TrustAnchors;
}

/** TLS 1.3 in front of connections that were accepted elsewhere. */
export class TlsFront {
  readonly #server: Server;
  readonly #clientCertificates: ClientCertificates;
  // addresses of both ends → the handshake under way
  readonly #waiting = new Map<string, Handshake>();
  #anchors: TrustAnchors;

  constructor(material: TlsMaterial, clientCertificates: ClientCertificates) {
    this.#clientCertificates = clientCertificates;
    this.#anchors = new TrustAnchors(material.clientAuthorities);
    this.#server = createServer({
      ...contextOf(material),
      ALPNProtocols: ["h2"],
      requestCert: clientCertificates !== "none",
      rejectUnauthorized: clientCertificates === "required",
    });
    this.#server.on("secureConnection", (socket) => {
      this.#onSecured(socket);
    });
    // What a client does wrong in its handshake ends its connection, and nothing else.
    this.#server.on("tlsClientError", (_error, socket) => {
      socket.destroy();
    });
  }

  /** The authorities that are trusted now. */
  get anchors(): TrustAnchors {
    return this.#anchors;
  }

  /** Begins a handshake; when it fails the connection is closed and nobody is told. */
  secure(socket: Socket, onSecured: OnSecured): void {
    const key = endsOf(socket);
    const handshake = { onSecured, anchors: this.#anchors };
    this.#waiting.set(key, handshake);
    socket.once("close", () => {
      if (this.#waiting.get(key) === handshake) this.#waiting.delete(key);
    });
    this.#server.emit("connection", socket);
  }

  /**
   * Takes other material for handshakes to come; connections that are there live on.
   * @returns whether other authorities are trusted than before
   */
  replace(material: TlsMaterial): boolean {
    this.#server.setSecureContext(contextOf(material));
    const before = this.#anchors;
    this.#anchors = new TrustAnchors(material.clientAuthorities);
    return !this.#anchors.equals(before);
  }

  #onSecured(socket: TLSSocket): void {
    // Until HTTP/2 has it nobody else would hear of an error, and an error that nobody hears ends the process.
    socket.on("error", () => socket.destroy());
    const key = endsOf(socket);
    const handshake = this.#waiting.get(key);
    this.#waiting.delete(key);
    if (handshake === undefined || socket.alpnProtocol !== "h2") socket.destroy();
    else handshake.onSecured(socket, this.#certificateOf(socket, handshake));
  }

  #certificateOf(socket: TLSSocket, { anchors }: Handshake): ClientCertificate | undefined {
    if (this.#clientCertificates === "none") return undefined;
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return undefined;
    const problem = socket.authorized ? undefined : problemOf(socket);
    return new ClientCertificate({ certificate, problem }, anchors);
  }
}

function contextOf({ certificate, key, clientAuthorities }: TlsMaterial): SecureContextOptions {
  const hasClients = clientAuthorities.length > 0;
  return {
    cert: certificate,
    key,
    minVersion: "TLSv1.3",
    ...(hasClients && {
      ca: clientAuthorities.map((authority) => authority.toString()),
      // A resumed session would prove what its client had when the session began.
      secureOptions: constants.SSL_OP_NO_TICKET,
    }),
  };
}

/** Node.js gives the code alone, whatever its types say. */
function problemOf({ authorizationError }: TLSSocket): string {
  const given: unknown = authorizationError;
  return typeof given === "string" ? given : "UNKNOWN";
}

/** Both ends of a connection: no two that are open at once have the same. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(" ");
}
