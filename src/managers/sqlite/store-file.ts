import { closeSync, existsSync, mkdirSync, openSync, readSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { isSecretError, SecretError } from "../../domain/secret-error.js";
import { ProcessLock } from "./process-lock.js";

/** Only the broker's own user reads the store. */
const fileMode = 0o600;
const directoryMode = 0o700;

/** Refuses a file that is not there. @throws SecretError `CONFIG_INVALID` */
export function assertThere(path: string): void {
  if (existsSync(path)) return;
  throw new SecretError("CONFIG_INVALID", `the store ${path} is not there; a broker's first start makes it`);
}

/** The file is made before SQLite makes it, which would let others read it; its log and index follow its mode. */
export function prepareFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: directoryMode });
    for (const file of [path, `${path}.lock`]) closeSync(openSync(file, "a", fileMode));
  } catch (cause) {
    throw new SecretError("CONFIG_INVALID", `the store ${path} cannot be opened; check its directory's permissions`, {
      cause,
    });
  }
}

/** Has the store for this process alone. @throws SecretError `CONFIG_INVALID` that names the process that has it */
export function lockStore(path: string): ProcessLock {
  const inUse = (owner: string): SecretError => {
    const message = `the store ${path} is in use by ${owner}; one process at a time can serve it`;
    return new SecretError("CONFIG_INVALID", message);
  };
  try {
    return new ProcessLock(path, inUse);
  } catch (cause) {
    if (isSecretError(cause)) throw cause;
    const message = `the store's lock ${path}.lock cannot be had; check the disk and its permissions, or remove it while no broker runs`;
    throw new SecretError("CONFIG_INVALID", message, { cause });
  }
}

const headerBytes = 100;

/**
 * Refuses a file that is shorter than its header says. SQLite would notice when it misses a page, which may be days
 * later. See "The Database Header" in SQLite's description of its file format.
 */
export function assertWhole(path: string): void {
  const { size } = statSync(path);
  // A crash may leave the file short of pages that its log still has; SQLite brings them in.
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  if (size === 0 || (log !== undefined && log.size > 0)) return;
  const header = Buffer.alloc(headerBytes);
  const fd = openSync(path, "r");
  try {
    readSync(fd, header, 0, headerBytes, 0);
  } finally {
    closeSync(fd);
  }
  const pageSize = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
  const isDatabase = header.toString("latin1", 0, 16) === "SQLite format 3\0";
  if (isDatabase && size >= headerBytes && header.readUInt32BE(28) * pageSize <= size) return;
  const what = isDatabase ? "shorter than it was" : "no SQLite database";
  throw new SecretError("PAYLOAD_CORRUPT", `the store ${path} is ${what}; bring it back from a backup`);
}
