import { closeSync, openSync } from "node:fs";
import type { HoldFile } from "../audit/file-target.js";
import { isSecretError, SecretError } from "../domain/secret-error.js";
import type { Log } from "../log/log.js";

/** Only the broker's own user reads what lies beside its audit trail. */
const fileMode = 0o600;

/**
 * Has a file of audit records for this process alone, until it ends, however it ends: two that write one chain tear it.
 * Where nothing can be made beside the file it goes on without, which the log says; then the other's lines show within
 * a second.
 * @throws SecretError `CONFIG_INVALID` that names the process that has it
 */
export function createAuditFileHold(log: Log): HoldFile {
  return async (path) => {
    // Loaded where it is used.
    const { ProcessLock } = await import("../managers/sqlite/process-lock.js");
    try {
      makeLockFile(`${path}.lock`);
      const lock = new ProcessLock(path, (owner) => inUse(path, owner));
      return () => lock.release();
    } catch (thrown) {
      if (isSecretError(thrown)) throw thrown;
      const message = "nothing keeps another broker from this audit file; let a lock be made beside it";
      log.warn({ lock: `${path}.lock` }, message, { thrown });
      return () => undefined;
    }
  };
}

/** Made here, as SQLite would let others read it; opened only when it is new, as closing it again releases locks. */
function makeLockFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", fileMode));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

function inUse(path: string, owner: string): SecretError {
  const message = `the audit file ${path} is in use by ${owner}; give each broker a file of its own`;
  return new SecretError("CONFIG_INVALID", message);
}
