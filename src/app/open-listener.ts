import type { ListenAddress } from "../config/config.js";
import { isLocalAddress } from "../config/listen-address.js";
import { loadTlsFiles } from "../config/tls-files.js";
import { CallerIdentity, type IdentityMethods } from "../identity/caller-identity.js";
import type { Log } from "../log/log.js";
import type { GrpcServer } from "../server/grpc-server.js";
import { TlsWatch } from "./tls-watch.js";

/** What a listener is opened with. */
export interface OpenListenerOptions {
  readonly server: GrpcServer;
  readonly identity: () => IdentityMethods;
  readonly log: Log;
  /** Certificates of clients are trusted by other authorities from now on. */
  readonly onTrustChange: () => void;
}

/** An address that is served. */
export interface OpenListener {
  /** As a client dials it. */
  readonly address: string;
  /** Undefined for plaintext. */
  readonly tls: TlsWatch | undefined;
}

/**
 * Listens on one address of the configuration.
 * @throws ConfigError for files that cannot be used, SecretError `CONFIG_INVALID` when the address cannot be had
 */
export async function openListener(address: ListenAddress, options: OpenListenerOptions): Promise<OpenListener> {
  const { server, identity, log, onTrustChange } = options;
  const workload = address.kind === "unix" ? address.workload : undefined;
  const callers = new CallerIdentity(identity, { workload, servesOthers: !isLocalAddress(address) });
  const tls = address.kind === "tcp" ? address.tls : undefined;
  const files = tls && (await loadTlsFiles(tls));
  const opened = await server.listen({
    address,
    identify: (credentials) => callers.identify(credentials),
    requiresMetadata: address.requiresMetadata,
    tls: tls && files && { material: files, clientCertificates: tls.clientCertificates },
  });
  if (tls === undefined || files === undefined) return { address: opened.address, tls: undefined };
  const apply = (next: typeof files): void => {
    opened.replaceTls(next);
    onTrustChange();
  };
  return { address: opened.address, tls: new TlsWatch({ address: opened.address, tls, files, apply, log }) };
}
