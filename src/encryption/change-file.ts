import {
  closeSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { FileLockedError, type FileLock, withFileLock } from "./file-lock.js";

const fileMode = 0o600;

/** The lock was taken away by somebody who took it for one that was left behind. */
class FileLockLostError extends Error {
  override readonly name = "FileLockLostError";
}

/**
 * Changes a file that other processes may change too, one of them at a time.
 * @param target the file itself, not a link to it
 * @param change is given what replaces the file as a whole: the old content stays until the new one is on the disk, only
 * the owner may read it, and the owner stays the same
 * @throws Error what {@link changeFailure} puts into words
 */
export function changeFile<T>(target: string, change: (replace: (content: string) => void) => T): T {
  return withFileLock(`${target}.lock`, (lock) =>
    change((content) => {
      replaceFile(target, content, lock);
    }),
  );
}

/** Why a file could not be changed, as what follows its name. */
export function changeFailure(error: unknown): string {
  if (error instanceof FileLockedError) {
    return `is being changed by ${error.owner}; if that process is gone, remove ${error.lockFile}*`;
  }
  if (error instanceof FileLockLostError) return "was changed by another process meanwhile; try again";
  return error instanceof Error && "code" in error ? `cannot be written (${String(error.code)})` : "cannot be written";
}

/** Makes what a directory lists outlast a loss of power. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function replaceFile(target: string, content: string, lock: FileLock): void {
  const next = `${target}.new`;
  // One that was left behind could have been made for others to read.
  rmSync(next, { force: true });
  const fd = openSync(next, "wx", fileMode);
  try {
    keepOwner(fd, target);
    writeFileSync(fd, content);
    fsyncSync(fd);
    if (!lock.isHeld()) throw new FileLockLostError();
    renameSync(next, target);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  syncDirectory(dirname(target));
}

/** A change by the administrator must not take the file away from the broker's user. */
function keepOwner(fd: number, target: string): void {
  const before = statSync(target, { throwIfNoEntry: false });
  const now = fstatSync(fd);
  if (before === undefined || (before.uid === now.uid && before.gid === now.gid)) return;
  fchownSync(fd, before.uid, before.gid);
}
