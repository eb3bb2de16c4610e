import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChannelCredentials, credentials } from "@grpc/grpc-js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { RpcCaller } from "../app/call-rpc.js";
import { type Issued, TestAuthority } from "./test-authority.js";

/** What a broker with TLS is started with. */
export interface TlsBrokerOptions {
  readonly clientCertificates?: "none" | "optional" | "required";
  /** The lines of `authentication`. */
  readonly authentication: string;
  /** Where metrics are; nowhere unless given. */
  readonly admin?: string;
  /** More of `secret_broker`. */
  readonly more?: string;
  readonly files?: Readonly<Record<string, string>>;
}

/** Whoever is proven may read everything. */
const open = `  policies: [{ name: all, principals: ["**"], actions: ["*"], names: ["**"] }]\n`;

/** Authorities and a broker that trusts one of them, in a folder of their own. */
export class TlsWorld {
  readonly folder: string = mkdtempSync(join(tmpdir(), "secret-broker-tls-"));
  readonly authority: TestAuthority = new TestAuthority(this.folder, "authority");
  readonly stranger: TestAuthority = new TestAuthority(this.folder, "stranger");
  readonly server: Issued = this.issueServer("server");
  readonly #callers: RpcCaller[] = [];
  #broker: TestBroker | undefined;

  /** A certificate for a broker on this machine. */
  issueServer(name: string, toSeconds?: number): Issued {
    const san = "DNS:localhost,IP:127.0.0.1";
    return this.authority.issue(name, { san, usage: "serverAuth", ...(toSeconds !== undefined && { toSeconds }) });
  }

  /** Where the broker takes its certificate from. */
  file(name: string): string {
    return join(this.folder, name);
  }

  /** Puts a certificate with its key where the broker takes it from. */
  install({ certificate, key }: Issued): void {
    writeFileSync(this.file("tls.crt"), certificate);
    writeFileSync(this.file("tls.key"), key, { mode: 0o600 });
  }

  /** Starts a broker; the one before must be stopped. */
  async start(options: TlsBrokerOptions): Promise<TestBroker> {
    const { clientCertificates = "optional", authentication, admin = "off", more = open, files = {} } = options;
    this.install(this.server);
    writeFileSync(this.file("clients.crt"), this.authority.certificate);
    const client =
      clientCertificates === "none"
        ? ""
        : `, client_ca: ${this.file("clients.crt")}, client_certificates: ${clientCertificates}`;
    const config = `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: { kind: memory }
  admin: { listen: "${admin}" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
  listen:
    - address: localhost:0
      tls: { certificate: ${this.file("tls.crt")}, key: ${this.file("tls.key")}${client} }
    - 127.0.0.1:0
  authentication: ${authentication}
${more}`;
    this.#broker = await startBroker({ config, listen: [], files });
    return this.#broker;
  }

  /** A caller over TLS, with a certificate or without. */
  connect(client?: Pick<Issued, "certificate" | "key">, authority: TestAuthority = this.authority): RpcCaller {
    return this.#callerAt(this.#broker?.address ?? "", this.credentials(client, authority));
  }

  /** What a client of the broker is made with. */
  credentials(
    client?: Pick<Issued, "certificate" | "key">,
    authority: TestAuthority = this.authority,
  ): ChannelCredentials {
    const [key, certificate] = client ? [Buffer.from(client.key), Buffer.from(client.certificate)] : [];
    return credentials.createSsl(Buffer.from(authority.certificate), key, certificate);
  }

  /** How a read ends for a caller: the reason, or the status where there is none. */
  async reasonFor(client?: Pick<Issued, "certificate" | "key">): Promise<string> {
    const { code, reason } = await this.connect(client).call("ReadSecret", { name: "A" });
    return reason ?? code;
  }

  /** Closes callers and broker, and keeps the authorities. */
  async stop(): Promise<void> {
    for (const caller of this.#callers.splice(0)) caller.close();
    await this.#broker?.stop();
    this.#broker = undefined;
  }

  /** Removes everything. */
  async close(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #callerAt(address: string, channel: ChannelCredentials): RpcCaller {
    const caller = new RpcCaller(address, channel);
    this.#callers.push(caller);
    return caller;
  }
}
