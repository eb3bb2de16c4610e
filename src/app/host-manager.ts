import type { Config } from "../config/config.js";
import { SecretError } from "../domain/secret-error.js";
import { createLog } from "../log/create-log.js";
import { type ServedManager, serveManager } from "../manager-host/serve-manager.js";
import { openManager } from "./open-manager.js";
import { within } from "./within.js";

/** How long a manager may take to close. */
const closeTimeoutMs = 3_000;

/**
 * Opens the manager of a configuration and serves it to brokers; what it throws goes into the log.
 * @param address `unix:PATH`, or a port on a loopback address
 * @throws SecretError `CONFIG_INVALID`
 */
export async function hostManager(
  { manager: config, cache }: Pick<Config, "manager" | "cache">,
  address: string | undefined,
  { isQuiet = false }: { readonly isQuiet?: boolean } = {},
): Promise<ServedManager> {
  if (address === undefined || address === "") {
    const fix = "give --listen unix:PATH, or let a broker start it with kind: process";
    throw new SecretError("CONFIG_INVALID", `there is no address to serve the manager on; ${fix}`);
  }
  const log = createLog(isQuiet ? "error" : "info");
  const manager = await openManager(config, { log, maxStaleMs: () => cache.maxStaleMs });
  const close = async (): Promise<void> => {
    await within(closeTimeoutMs, manager.close?.());
  };
  try {
    const onFailure = (thrown: unknown): void => log.warn({}, "the manager failed", { thrown });
    const served = await serveManager(manager, { address, onFailure });
    return {
      address: served.address,
      close: async (drainMs) => {
        await served.close(drainMs);
        await close();
      },
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}
