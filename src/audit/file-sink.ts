import { write } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
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
