import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext, type SecureContext } from "node:tls";
import { credentials } from "@grpc/grpc-js";
import type { ListenAddress, RemoteTlsConfig } from "../../config/config.js";
import { SecretError } from "../../domain/secret-error.js";
import type { ManagerEndpoint } from "./manager-channel.js";
import type { EndpointSource } from "./manager-instance.js";
import { SecuredCredentials } from "./secured-credentials.js";

/** An address that somebody else's process listens on. */
export class DialledSource implements EndpointSource {
  readonly name: string;
  readonly ended = undefined;
  readonly #address: ListenAddress;
  readonly #tls: RemoteTlsConfig | undefined;
  #problem: SecretError | undefined;

  constructor(address: ListenAddress, tls: RemoteTlsConfig | undefined) {
    this.name = `the manager at ${addressText(address)}`;
    this.#address = address;
    this.#tls = tls;
  }

  /** Why the last connection came to nothing, where that is known. */
  get problem(): SecretError | undefined {
    return this.#problem;
  }

  /** Reads the certificates anew for each connection, so that renewed ones are taken. */
  async open(): Promise<ManagerEndpoint> {
    this.#problem = undefined;
    const target = targetOf(this.#address);
    const tls = this.#tls;
    if (tls === undefined) return { target, credentials: credentials.createInsecure() };
    // What is wrong with the files is told at once.
    await contextOf(tls);
    return this.#secured(target, tls);
  }

  #secured(target: string, tls: RemoteTlsConfig): ManagerEndpoint {
    let refuse: (why: SecretError) => void = () => undefined;
    const refused = new Promise<SecretError>((resolve) => (refuse = resolve));
    const secured = new SecuredCredentials({
      host: this.#address.kind === "tcp" ? this.#address.host : "localhost",
      context: () => contextOf(tls),
      onRefused: refuse,
      onProblem: (why) => (this.#problem = why),
    });
    return { target, credentials: secured, refused };
  }

  discard(): void {
    // It is somebody else's.
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** An address as gRPC wants it. */
export function targetOf(address: ListenAddress): string {
  return address.kind === "unix" ? `unix:${address.path}` : `dns:${addressText(address)}`;
}

/** An address as it is written. */
export function addressText(address: ListenAddress): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${String(address.port)}`;
}

async function contextOf(tls: RemoteTlsConfig): Promise<SecureContext> {
  const [ca, key, cert] = await Promise.all([tls.caPath, tls.keyPath, tls.certificatePath].map(readPem));
  try {
    if (cert !== undefined && key !== undefined && !isPair(cert, key)) throw new Error("another key's certificate");
    return createSecureContext({
      minVersion: "TLSv1.3",
      ...(ca && { ca }),
      ...(key && { key }),
      ...(cert && { cert }),
    });
  } catch (cause) {
    const message = "secret_broker.manager.tls: the certificate and the key do not go together, or are no PEM files";
    throw new SecretError("CONFIG_INVALID", message, { cause });
  }
}

function isPair(certificate: Buffer, key: Buffer): boolean {
  return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
}

async function readPem(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (cause) {
    throw new SecretError("CONFIG_INVALID", `secret_broker.manager.tls: ${path} cannot be read`, { cause });
  }
}
