import { write } from "node:fs";
import { type FileHandle, mkdir, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { AuditSink } from "./audit-sink.js";

/** Only the broker's own user reads its audit trail. */
const fileMode = 0o600;
const directoryMode = 0o700;

/**
 * Opens a file that audit records are appended to; it and its directory are made when they are missing.
 *
 * After a failed write the file is opened anew by the next one, so that a disk that has room again, or a mount that
 * came back, is used without a restart.
 */
export async function openFileSink(path: string): Promise<AuditSink> {
  const file = new AppendedFile(path);
  await file.open();
  return {
    description: path,
    write: (lines) => file.append(lines),
    close: () => file.close(),
  };
}

class AppendedFile {
  readonly #path: string;
  #handle: FileHandle | undefined;
  #isTorn = false;

  constructor(path: string) {
    this.#path = path;
  }

  async open(): Promise<FileHandle> {
    await mkdir(dirname(this.#path), { recursive: true, mode: directoryMode });
    this.#handle = await open(this.#path, "a", fileMode);
    this.#isTorn ||= await endsWithinLine(this.#path);
    return this.#handle;
  }

  async append(lines: string): Promise<void> {
    try {
      const handle = this.#handle ?? (await this.open());
      await writeAll(handle.fd, Buffer.from(this.#isTorn ? `\n${lines}` : lines));
      this.#isTorn = false;
    } catch (error) {
      this.#isTorn = true;
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}

/** Whether the file's last line has no end, as a crash in the middle of a write leaves it. */
async function endsWithinLine(path: string): Promise<boolean> {
  const { size } = await stat(path);
  // Pipes and devices have no size; reading from them would wait, or take what is somebody else's.
  if (size === 0) return false;
  const handle = await open(path, "r").catch(() => undefined);
  // A file that may be written and not be read: an empty line too many harms nobody.
  if (handle === undefined) return true;
  try {
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer.toString("latin1") !== "\n";
  } finally {
    await handle.close();
  }
}

/** The callback interface costs a third of the promise one, and this is on every call's way. */
function writeAll(fd: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const writeFrom = (offset: number): void => {
      write(fd, bytes, offset, bytes.length - offset, null, (error, written) => {
        if (error !== null) reject(error);
        else if (offset + written < bytes.length) writeFrom(offset + written);
        else resolve();
      });
    };
    writeFrom(0);
  });
}
