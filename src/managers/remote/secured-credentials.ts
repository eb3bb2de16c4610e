import { isIP, type Socket } from "node:net";
import { connect, type SecureContext, type TLSSocket } from "node:tls";
import { ChannelCredentials, credentials } from "@grpc/grpc-js";
import { SecretError } from "../../domain/secret-error.js";

type CreateConnector = ChannelCredentials["_createSecureConnector"];
type Connector = ReturnType<CreateConnector>;

/** What a connection to a manager is secured with. */
export interface SecuredCredentialsParts {
  /** The name or address that the manager's certificate must hold. */
  readonly host: string;
  /** What TLS is spoken with, looked at again for each connection. @throws SecretError */
  readonly context: () => Promise<SecureContext>;
  /** Told that trying again will not help, and why. */
  readonly onRefused: (why: SecretError) => void;
  /** Told why a connection came to nothing, where another may come to something. */
  readonly onProblem: (why: SecretError) => void;
}

/**
 * How gRPC secures its connections to one manager. Those of gRPC's own keep what went wrong to themselves, and send an IP
 * address as a server's name, which it must not be.
 */
export class SecuredCredentials extends ChannelCredentials {
  readonly #parts: SecuredCredentialsParts;

  constructor(parts: SecuredCredentialsParts) {
    super();
    this.#parts = parts;
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(...parameters: Parameters<CreateConnector>): Connector {
    const plain = credentials.createInsecure()._createSecureConnector(...parameters);
    return {
      getCallCredentials: () => plain.getCallCredentials(),
      waitForReady: () => plain.waitForReady(),
      destroy: () => plain.destroy(),
      connect: async (socket) => {
        try {
          return { socket: await this.#handshake(socket), secure: true };
        } catch (error) {
          socket.destroy();
          this.#tell(error, "check tls.ca, and that the manager's certificate holds its host");
          throw error;
        }
      },
    };
  }

  async #handshake(socket: Socket): Promise<TLSSocket> {
    const { host, context } = this.#parts;
    const secureContext = await context();
    return await new Promise((resolve, reject) => {
      const options = { socket, secureContext, host, servername: isIP(host) === 0 ? host : "", ALPNProtocols: ["h2"] };
      const secured = connect(options, () => {
        if (secured.alpnProtocol === "h2") resolve(secured);
        else reject(problem("what listens there does not speak HTTP/2"));
        this.#followUp(secured);
      });
      secured.once("error", reject);
      secured.once("close", () => {
        reject(problem("the connection was closed during the TLS handshake"));
      });
      // gRPC listens once it has the socket; until then nobody else does.
      secured.on("error", () => undefined);
    });
  }

  /** With TLS 1.3 a manager looks at the broker's certificate when the broker has long ended its part. */
  #followUp(secured: TLSSocket): void {
    const hint = "the manager did not accept the broker: check tls.certificate and tls.key";
    secured.on("error", (error) => {
      this.#tell(error, hint);
    });
    secured.once("close", () => {
      this.#parts.onProblem(problem(`a connection was closed after the TLS handshake; it may be that ${hint}`));
    });
  }

  #tell(error: unknown, hint: string): void {
    const { onProblem, onRefused } = this.#parts;
    if (error instanceof SecretError) {
      onProblem(error);
      return;
    }
    // OpenSSL's own words may quote a certificate; its code says enough.
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    const why = problem(`TLS failed (${code}); ${hint}`, error);
    // The network's own codes are one word; anything else is about certificates, and stays as it is.
    if (/^E[A-Z0-9]+$/u.test(code)) onProblem(why);
    else onRefused(why);
  }
}

function problem(what: string, cause?: unknown): SecretError {
  return new SecretError("CONFIG_INVALID", `secret_broker.manager.tls: ${what}`, { cause });
}
