import type { ListenAddress, RemoteTlsConfig, UpstreamConfig } from "../config/config.js";
import type { SecretManager } from "../contract/secret-manager.js";
import type { TlsOptions } from "../client/connection/tls-material.js";
import type { SecretError, SecretErrorReason } from "../domain/secret-error.js";
import type { Log } from "../log/log.js";
import type { UpstreamLinkOptions } from "../managers/upstream/upstream-link.js";
import { UpstreamSecretManager } from "../managers/upstream/upstream-secret-manager.js";
import type { OpenManagerOptions } from "./open-manager-options.js";

/** How often the log says the same of a broker that refuses this one, in milliseconds. */
const refusalIntervalMs = 60_000;

/** Opens another broker as the manager; it need not be there yet. @throws SecretError */
export async function openUpstreamManager(config: UpstreamConfig, options: OpenManagerOptions): Promise<SecretManager> {
  const { log, isGuest = false, maxStaleMs = (): number => 0 } = options;
  const link: UpstreamLinkOptions = {
    addresses: config.addresses.map(textOf),
    tls: config.tls && tlsOf(config.tls),
    tokenFile: config.tokenPath,
    onRefused: refusalsTo(log),
  };
  const { snapshot } = config;
  // A command beside the broker must not replace what the broker keeps.
  if (snapshot === undefined || isGuest) return new UpstreamSecretManager(link);
  const onNote = (note: string, thrown?: unknown): void => {
    log.warn({ snapshot: snapshot.path }, note, { thrown });
  };
  const { openSnapshotFile } = await import("./upstream-snapshot.js");
  const keeper = await openSnapshotFile(config, snapshot, onNote);
  const manager = new UpstreamSecretManager({ ...link, snapshot: { keeper, maxStaleMs, onNote } });
  const close = manager.close.bind(manager);
  let closing: Promise<void> | undefined;
  const closeAll = (): Promise<void> => (closing ??= close().finally(() => keeper.close()));
  return Object.defineProperty(manager, "close", { value: closeAll });
}

/** Every caller meets the same refusal, so each reason is said now and then and not each time. */
function refusalsTo(log: Log): (failure: SecretError) => void {
  const saidAtMs = new Map<SecretErrorReason, number>();
  return ({ reason }) => {
    const nowMs = performance.now();
    if (nowMs - (saidAtMs.get(reason) ?? -Infinity) < refusalIntervalMs) return;
    saidAtMs.set(reason, nowMs);
    log.error({ reason }, "the upstream broker refuses this broker; see its token, certificate and rights there");
  };
}

function textOf(address: ListenAddress): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${String(address.port)}`;
}

function tlsOf({ caPath, certificatePath, keyPath }: RemoteTlsConfig): TlsOptions {
  return {
    ...(caPath !== undefined && { ca: { file: caPath } }),
    ...(certificatePath !== undefined && { certificate: { file: certificatePath } }),
    ...(keyPath !== undefined && { key: { file: keyPath } }),
  };
}
