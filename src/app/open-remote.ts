import type { ProcessConfig, RemoteConfig } from "../config/config.js";
import type { SecretManager } from "../contract/secret-manager.js";
import { defaultMaxPayloadBytes } from "../domain/payload.js";
import { scrubText } from "../log/scrub-text.js";
import { DialledSource } from "../managers/remote/dialled-source.js";
import type { InstanceOptions } from "../managers/remote/manager-instance.js";
import { openRemoteManager } from "../managers/remote/manager-pool.js";
import type { OpenManagerOptions } from "./open-manager.js";
import { version } from "./version.js";

/** Room for the rest of an answer beside its payload, and for pages of names. */
const minReceiveBytes = 16 * 1024 * 1024;

/** Opens a manager that somebody else has started. @throws SecretError */
export async function openDialledManager(config: RemoteConfig, options: OpenManagerOptions): Promise<SecretManager> {
  const { addresses, tls, startTimeoutMs } = config;
  const sources = addresses.map((address) => new DialledSource(address, tls));
  return await openRemoteManager(sources, instanceOptions(startTimeoutMs, options));
}

/** Starts a manager's processes. @throws SecretError */
export async function openProcessManager(config: ProcessConfig, options: OpenManagerOptions): Promise<SecretManager> {
  return await openRemoteManager([], instanceOptions(config.startTimeoutMs, options));
}

function instanceOptions(
  startTimeoutMs: number,
  { log, maxPayloadBytes = defaultMaxPayloadBytes }: OpenManagerOptions,
): Omit<InstanceOptions, "accept"> {
  return {
    startTimeoutMs,
    connection: {
      brokerVersion: version,
      maxReceiveBytes: Math.max(minReceiveBytes, maxPayloadBytes * 2),
      onNote: (note) => log.warn({ note: scrubText(note) }, "the manager notes of its environment"),
    },
    events: {
      onUp: (instance) => log.info({ instance }, "the manager is connected"),
      onDown: (instance, thrown) => log.warn({ instance }, "the manager is not connected; trying again", { thrown }),
    },
  };
}
