import { createHash } from "node:crypto";
import { type FSWatcher, readFileSync, watch } from "node:fs";
import { dirname } from "node:path";

/** Several events belong to one change; editors write in steps. */
const settleMs = 100;

/** How soon a directory that is gone is looked for again. */
const retryMs = 1_000;

/** A watch that goes on until it is closed; it does not keep the process alive. */
export interface ConfigWatch {
  close(): void;
}

/**
 * Tells when a file's bytes change.
 *
 * Watches the directory, not the file: Kubernetes replaces a mounted file by swapping a symbolic link beside it, and
 * editors by renaming, neither of which a watch on the file sees.
 */
export function watchConfig(file: string, onChange: () => void): ConfigWatch {
  const watching = new DirectoryWatch(file, onChange);
  return {
    close: () => {
      watching.close();
    },
  };
}

class DirectoryWatch {
  readonly #file: string;
  readonly #onChange: () => void;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #digest: string | undefined;
  #closed = false;

  constructor(file: string, onChange: () => void) {
    this.#file = file;
    this.#onChange = onChange;
    this.#digest = digestOf(file);
    this.#arm();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#watcher?.close();
  }

  #arm(): void {
    try {
      this.#watcher = watch(dirname(this.#file), { persistent: false }, (event) => {
        this.#settle(event);
      });
      this.#watcher.once("error", () => {
        this.#rearm();
      });
    } catch {
      this.#schedule(retryMs, () => {
        this.#rearm();
      });
    }
  }

  /** A rename may have been the directory's own: the watch would then be on something that is gone. */
  #settle(event: string): void {
    this.#schedule(settleMs, () => {
      if (event === "rename") this.#rearm();
      else this.#compare();
    });
  }

  #rearm(): void {
    if (this.#closed) return;
    this.#watcher?.close();
    this.#arm();
    this.#compare();
  }

  #compare(): void {
    const digest = digestOf(this.#file);
    if (digest === undefined || digest === this.#digest) return;
    this.#digest = digest;
    this.#onChange();
  }

  #schedule(delayMs: number, work: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(work, delayMs).unref();
  }
}

/** Undefined while the file is not there: what is being replaced is not a change yet. */
function digestOf(file: string): string | undefined {
  try {
    return createHash("sha256").update(readFileSync(file)).digest("hex");
  } catch {
    return undefined;
  }
}
