import { readFile } from "node:fs/promises";
import { credentials, type ChannelCredentials } from "@grpc/grpc-js";
import type { ListenAddress, RemoteTlsConfig } from "../../config/config.js";
import { SecretError } from "../../domain/secret-error.js";
import type { ManagerEndpoint } from "./manager-channel.js";
import type { EndpointSource } from "./manager-instance.js";

/** An address that somebody else's process listens on. */
export class DialledSource implements EndpointSource {
  readonly name: string;
  readonly ended = undefined;
  readonly #target: string;
  readonly #tls: RemoteTlsConfig | undefined;

  constructor(address: ListenAddress, tls: RemoteTlsConfig | undefined) {
    this.name = `the manager at ${addressText(address)}`;
    this.#target = targetOf(address);
    this.#tls = tls;
  }

  /** Reads the certificates anew for each connection, so that renewed ones are taken. */
  async open(): Promise<ManagerEndpoint> {
    return { target: this.#target, credentials: await credentialsOf(this.#tls) };
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

async function credentialsOf(tls: RemoteTlsConfig | undefined): Promise<ChannelCredentials> {
  if (tls === undefined) return credentials.createInsecure();
  const [ca, key, certificate] = await Promise.all([tls.caPath, tls.keyPath, tls.certificatePath].map(readPem));
  try {
    return credentials.createSsl(ca ?? null, key ?? null, certificate ?? null);
  } catch (cause) {
    const message = "secret_broker.manager.tls: the certificate and the key do not go together, or are no PEM files";
    throw new SecretError("CONFIG_INVALID", message, { cause });
  }
}

async function readPem(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (cause) {
    throw new SecretError("CONFIG_INVALID", `secret_broker.manager.tls: ${path} cannot be read`, { cause });
  }
}
