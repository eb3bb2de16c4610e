import { createHash } from "node:crypto";
import { closeSync, type FSWatcher, lstatSync, openSync, readdirSync, readSync, statSync, watch } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Several events belong to one change; editors write in steps. */
const settleMs = 100;

/** How long a directory that never comes to rest can hold a change back. */
const maxSettleMs = 1_000;

/** How often what events miss is looked for: a directory that is gone or replaced, a file mounted by itself. */
const lookMs = 2_000;

/** More than a configuration may have; of a longer file the rest is not told apart. */
const maxComparedBytes = 2 * 1024 * 1024;

/** A watch that goes on until it is closed; it does not keep the process alive. */
export interface ConfigWatch {
  /** Takes what is there now for known: whoever watches is about to read it. */
  rebase(): void;
  /** Ends the watch; nothing is told afterwards. Idempotent. */
  close(): void;
}

/**
 * Tells when a file's bytes change, or those of any file of a directory, once they have come to rest; not while it is
 * missing.
 *
 * Watches the directory, not the file: Kubernetes replaces a mounted file by swapping a symbolic link beside it, and
 * editors by renaming, neither of which a watch on the file sees.
 */
export function watchConfig(file: string, onChange: () => void): ConfigWatch {
  return new DirectoryWatch(file, onChange);
}

class DirectoryWatch implements ConfigWatch {
  readonly #file: string;
  readonly #onChange: () => void;
  readonly #look: NodeJS.Timeout;
  #watcher: FSWatcher | undefined;
  #settling: NodeJS.Timeout | undefined;
  #unsettledSinceMs: number | undefined;
  #mustRearm = false;
  #directoryMark: string | undefined;
  #fileMark: string | undefined;
  #digest: string | undefined;
  #closed = false;

  constructor(file: string, onChange: () => void) {
    this.#file = file;
    this.#onChange = onChange;
    this.#fileMark = markOf(file, true);
    this.#digest = digestOf(file);
    this.#arm();
    this.#look = setInterval(() => {
      this.#lookAgain();
    }, lookMs).unref();
  }

  rebase(): void {
    this.#digest = digestOf(this.#file);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#settling);
    clearInterval(this.#look);
    this.#watcher?.close();
  }

  #arm(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#mustRearm = false;
    const directory = directoryOf(this.#file);
    this.#directoryMark = markOf(directory, false);
    try {
      const ownName = isFile(this.#file) ? basename(this.#file) : undefined;
      const watcher = watch(directory, { persistent: false }, (event, name) => {
        // An audit trail beside the file is written with every call.
        if (event === "change" && ownName !== undefined && name !== null && name !== ownName) return;
        // A rename may be the directory's own: the watch would then be on something that is gone.
        this.#settle(event === "rename");
      });
      watcher.on("error", () => {
        this.#settle(true);
      });
      this.#watcher = watcher;
    } catch {
      // The directory is not there; the next look tries again.
      this.#directoryMark = undefined;
    }
  }

  #settle(mustRearm: boolean): void {
    if (this.#closed) return;
    this.#mustRearm ||= mustRearm;
    const nowMs = performance.now();
    this.#unsettledSinceMs ??= nowMs;
    const leftMs = this.#unsettledSinceMs + maxSettleMs - nowMs;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(
      () => {
        this.#compare();
      },
      Math.max(0, Math.min(settleMs, leftMs)),
    ).unref();
  }

  #lookAgain(): void {
    const isElsewhere = this.#watcher === undefined || markOf(directoryOf(this.#file), false) !== this.#directoryMark;
    if (isElsewhere || markOf(this.#file, true) !== this.#fileMark) this.#settle(isElsewhere);
  }

  #compare(): void {
    this.#unsettledSinceMs = undefined;
    if (this.#mustRearm) this.#arm();
    this.#fileMark = markOf(this.#file, true);
    const digest = digestOf(this.#file);
    if (digest === undefined || digest === this.#digest) return;
    this.#digest = digest;
    this.#onChange();
  }
}

/** What tells one file or directory at a path from the next one there; with its times, also its contents. */
function markOf(path: string, withContents: boolean): string | undefined {
  try {
    const { dev, ino, birthtimeNs, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [dev, ino, birthtimeNs, ...(withContents ? [size, mtimeNs, ctimeNs] : [])].join(":");
  } catch {
    return undefined;
  }
}

/** Undefined while the file is not there: what is being replaced is not a change yet. */
function digestOf(file: string): string | undefined {
  if (isDirectory(file)) return digestOfDirectory(file);
  try {
    const descriptor = openSync(file, "r");
    try {
      return digestOfOpen(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}

/** Names and contents; what lies deeper does not count. */
function digestOfDirectory(directory: string): string | undefined {
  try {
    const files = readdirSync(directory).sort();
    const lines = files.map((name) => {
      const path = join(directory, name);
      return `${name}\0${isDirectory(path) ? "" : (digestOf(path) ?? "")}`;
    });
    return createHash("sha256").update(lines.join("\n")).digest("hex");
  } catch {
    return undefined;
  }
}

function directoryOf(path: string): string {
  return isDirectory(path) ? path : dirname(path);
}

/** Not a link: what that leads to may have another name beside it. */
function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function digestOfOpen(descriptor: number): string {
  const hash = createHash("sha256");
  const chunk = Buffer.allocUnsafe(65_536);
  for (let total = 0; total < maxComparedBytes;) {
    const length = readSync(descriptor, chunk, 0, chunk.byteLength, null);
    if (length === 0) break;
    hash.update(chunk.subarray(0, length));
    total += length;
  }
  return hash.digest("hex");
}
