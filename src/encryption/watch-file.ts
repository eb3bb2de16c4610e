import { type FSWatcher, statSync, watch } from "node:fs";
import { dirname } from "node:path";

/** How often the file is looked at when nothing is heard: of some file systems, and of the other end of a link. */
const pollMs = 5_000;

/**
 * Calls back when a file may have changed; does not keep the process. The directory is watched, as the file is replaced
 * and not written, or is a link whose way is changed further up. Returns its end.
 */
export function watchFile(path: string, onChange: () => void): () => void {
  const watcher = watchDirectory(dirname(path), onChange);
  const timer = setInterval(onChange, pollMs).unref();
  return () => {
    clearInterval(timer);
    watcher?.close();
  };
}

/** Undefined where it cannot be watched; looking at the file now and then has to do there. */
function watchDirectory(directory: string, onChange: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, { persistent: false }, onChange);
    watcher.on("error", () => {
      watcher.close();
    });
    return watcher;
  } catch {
    return undefined;
  }
}

/** What differs when a file was replaced or written; empty when there is none. */
export function fingerprintOf(path: string): string {
  try {
    const { dev, ino, mode, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [dev, ino, mode, size, mtimeNs, ctimeNs].join(":");
  } catch {
    return "";
  }
}
