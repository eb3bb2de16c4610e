import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { SecretError } from "../domain/secret-error.js";
import { syncDirectory } from "../encryption/change-file.js";

/** Only the broker's own user reads what it keeps. */
const fileMode = 0o600;

/**
 * Writes a new file, which is there as a whole or not at all: a process that dies meanwhile leaves `PATH.unfinished`.
 * @param path where nothing may be yet
 * @param subject what the file is, as messages begin with
 * @throws SecretError `CONFIG_INVALID` when it cannot be made; or what the work throws
 */
export async function writeWholeFile<T>(
  path: string,
  subject: string,
  work: (write: (bytes: Uint8Array) => Promise<void>) => Promise<T>,
): Promise<T> {
  const trying: Trying = (predicate, step) => {
    try {
      return step();
    } catch (cause) {
      throw new SecretError("CONFIG_INVALID", `${subject} ${path} ${predicate}`, { cause });
    }
  };
  // Said before the work rather than after it; whoever makes one meanwhile is found in the end.
  if (existsSync(path)) throw new SecretError("CONFIG_INVALID", `${subject} ${path} is there already`);
  const draft = `${path}.unfinished`;
  // What lies there may be a link to another file, or be open to others; what is made now is neither.
  const fd = trying("cannot be made", () => {
    rmSync(draft, { force: true });
    return openSync(draft, "wx", fileMode);
  });
  try {
    const result = await work((bytes) => {
      trying("cannot be written", () => {
        writeFileSync(fd, bytes);
      });
      return Promise.resolve();
    });
    trying("cannot be written", () => {
      fsyncSync(fd);
    });
    trying("cannot be made, is there already, or is written by another process too", () => {
      if (!isAt(fd, draft)) throw new Error("the draft is another file");
      takeName(draft, path);
      syncDirectory(dirname(path));
    });
    return result;
  } finally {
    if (isAt(fd, draft)) rmSync(draft);
    closeSync(fd);
  }
}

/** Does a step; its failure is one of the file. */
type Trying = <T>(predicate: string, step: () => T) => T;

/** Whether an open file is the one at a path: another process may have begun anew there. */
function isAt(fd: number, path: string): boolean {
  const [own, found] = [fstatSync(fd), statSync(path, { throwIfNoEntry: false })];
  return found?.ino === own.ino && found.dev === own.dev;
}

/** Gives a file a name that nobody has: unlike renaming, linking takes the place of nothing. */
function takeName(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    if (!isWithoutLinks(error)) throw error;
    closeSync(openSync(path, "wx", fileMode));
    renameSync(draft, path);
  }
}

/** Whether a file system knows no second name for a file. */
function isWithoutLinks(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "EPERM" || code === "ENOTSUP" || code === "EOPNOTSUPP" || code === "ENOSYS";
}
