import type { SecretManager } from "../contract/secret-manager.js";
import type { Log } from "../log/log.js";
import { late, within } from "./within.js";

/** How long a manager may take to close. */
const closeTimeoutMs = 5_000;

/** Closes a manager: one that cannot close, or does not end closing, does not keep the rest from being closed. */
export async function closeManager(manager: Pick<SecretManager, "close">, log: Log): Promise<void> {
  try {
    const closed = await within(closeTimeoutMs, manager.close?.());
    if (closed === late) log.warn({}, "the manager does not end closing");
  } catch (thrown) {
    log.warn({}, "the manager could not be closed", { thrown });
  }
}
