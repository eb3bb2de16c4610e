import { isIP, type Socket } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { ChannelCredentials, credentials } from "@grpc/grpc-js";
import { isSecretError, SecretError } from "../../domain/secret-error.js";
import type { SocketReferences } from "./socket-references.js";
import type { TlsMaterial } from "./tls-material.js";

type CreateConnector = ChannelCredentials["_createSecureConnector"];
type Connector = ReturnType<CreateConnector>;

/** What a connection is made with. */
export interface BrokerCredentialsParts {
  /** Undefined for a connection that is not encrypted. */
  readonly tls: TlsMaterial | undefined;
  readonly references: SocketReferences;
  /** Told why a connection could not be secured; undefined when one could. */
  readonly onSecured: (failure: SecretError | undefined) => void;
}

/** How gRPC secures its connections to one broker: with what the files hold when the connection is made. */
export class BrokerCredentials extends ChannelCredentials {
  readonly #parts: BrokerCredentialsParts;
  #session: Buffer | undefined;
  #sessionContext: unknown;

  constructor(parts: BrokerCredentialsParts) {
    super();
    this.#parts = parts;
  }

  override _isSecure(): boolean {
    return this.#parts.tls !== undefined;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(...[target, options, callCredentials]: Parameters<CreateConnector>): Connector {
    const plain = credentials.createInsecure()._createSecureConnector(target, options, callCredentials);
    return {
      getCallCredentials: () => plain.getCallCredentials(),
      waitForReady: () => plain.waitForReady(),
      destroy: () => plain.destroy(),
      connect: async (socket) => {
        const { references } = this.#parts;
        // Before the handshake, which a peer that says nothing never ends.
        references.adopt(socket);
        const secured = await this.#secure(socket, hostOf(target.path));
        if (secured !== socket) references.adopt(secured);
        return { socket: secured, secure: this._isSecure() };
      },
    };
  }

  async #secure(socket: Socket, host: string): Promise<Socket> {
    const { tls, onSecured } = this.#parts;
    if (tls === undefined) return socket;
    try {
      const secured = await this.#handshake(tls, socket, host);
      onSecured(undefined);
      return secured;
    } catch (error) {
      socket.destroy();
      onSecured(isSecretError(error) ? error : untrusted(error));
      throw error;
    }
  }

  async #handshake(tls: TlsMaterial, socket: Socket, host: string): Promise<TLSSocket> {
    const secureContext = await tls.context();
    if (this.#sessionContext !== secureContext) this.#session = undefined;
    const name = tls.serverName ?? host;
    const options: ConnectionOptions = {
      socket,
      secureContext,
      host: name,
      // An address is no name: the certificate is checked for it, and it is not sent.
      servername: isIP(name) === 0 ? name : "",
      ALPNProtocols: ["h2"],
      ...(this.#session && { session: this.#session }),
    };
    return new Promise((resolve, reject) => {
      const secured = connect(options, () => {
        if (secured.alpnProtocol === "h2") resolve(secured);
        else reject(new SecretError("MANAGER_UNAVAILABLE", "what listens at the address does not speak HTTP/2"));
      });
      secured.on("session", (session) => {
        this.#session = session;
        this.#sessionContext = secureContext;
      });
      secured.once("error", reject);
      secured.once("close", () => {
        reject(new SecretError("MANAGER_UNAVAILABLE", "the connection was closed during the TLS handshake"));
      });
      // gRPC listens once it has the socket; until then nobody else does.
      secured.on("error", () => undefined);
    });
  }
}

/** `name:443`, `[::1]:443` and `/run/broker.sock` → the name a certificate is checked for. */
function hostOf(path: string): string {
  if (path.startsWith("/")) return "localhost";
  const host = path.slice(0, path.lastIndexOf(":"));
  return host.startsWith("[") ? host.slice(1, -1) : host;
}

/** OpenSSL's own words may quote a certificate; its code says enough. */
function untrusted(cause: unknown): SecretError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown error";
  const message = `the TLS handshake failed (${code}); check tls.ca, tls.certificate and the name in the broker's certificate`;
  return new SecretError("MANAGER_UNAVAILABLE", message, { cause });
}
