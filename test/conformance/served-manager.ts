import { rm, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SecretManager } from "../../src/contract/secret-manager.js";
import { serveManager, type ServeManagerOptions } from "../../src/manager-host/serve-manager.js";
import { DialledSource } from "../../src/managers/remote/dialled-source.js";
import type { EndpointSource } from "../../src/managers/remote/manager-instance.js";
import { openRemoteManager } from "../../src/managers/remote/manager-pool.js";
import type { RemoteSecretManager } from "../../src/managers/remote/remote-secret-manager.js";

/** Opens managers behind sources, telling nobody of anything. */
export async function openQuietly(sources: readonly EndpointSource[]): Promise<RemoteSecretManager> {
  const quiet = (): void => undefined;
  return await openRemoteManager(sources, {
    connection: { brokerVersion: "test", maxReceiveBytes: 8 * 1024 * 1024, onNote: quiet },
    events: { onUp: quiet, onDown: quiet },
    startTimeoutMs: 15_000,
  });
}

/** The same manager as a broker has it that dials it: served on a socket of its own. */
export async function servedManager(
  manager: SecretManager,
  options: Omit<ServeManagerOptions, "address"> = {},
): Promise<SecretManager> {
  const directory = await mkdtemp(join(tmpdir(), "served-manager-"));
  const path = join(directory, "manager.sock");
  const served = await serveManager(manager, { ...options, address: `unix:${path}` });
  const remote = await openQuietly([new DialledSource({ kind: "unix", path }, undefined)]);
  const close = remote.close.bind(remote);
  let closing: Promise<void> | undefined;
  const closeAll = async (): Promise<void> => {
    await close();
    await served.close();
    await manager.close?.();
    await rm(directory, { recursive: true });
  };
  return Object.defineProperty(remote, "close", { value: () => (closing ??= closeAll()) });
}
