import { write, writeSync } from "node:fs";
import { type FileHandle, statfs } from "node:fs/promises";

/**
 * File systems on a machine's own disks or in its memory, as Linux numbers them (statfs(2)): ext2 to ext4, XFS, Btrfs,
 * F2FS, ZFS, bcachefs, overlayfs and tmpfs. On another, or another system's, a write may wait for a network.
 */
const localFileSystems: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0xca451a4e, 0x794c7630, 0x01021994,
]);

/** What takes longer waited for something, a disk that has too much to write most likely. */
const slowMs = 20;

/** For how long after a slow write another thread writes. */
const slowForMs = 10_000;

/**
 * Writes to one file as fast as that can be: what a local file system takes into memory is written from this thread,
 * as handing so little to another costs several times the write itself. Where a write may wait, or just did, another
 * thread does.
 */
export class ByteWriter {
  readonly #isLocal: boolean;
  #slowUntilMs = -Infinity;

  private constructor(isLocal: boolean) {
    this.#isLocal = isLocal;
  }

  /** For a file at a path; undefined for what is no regular file, or always to be written to by another thread. */
  static async for(path: string | undefined): Promise<ByteWriter> {
    return new ByteWriter(path !== undefined && localFileSystems.has((await statfs(path)).type));
  }

  /**
   * Writes as much as the file takes.
   * @returns how many bytes; 0 for a pipe that is full
   * @throws Error the system's
   */
  async write({ fd }: FileHandle, bytes: Buffer, offset: number): Promise<number> {
    const startMs = performance.now();
    if (!this.#isLocal || startMs < this.#slowUntilMs) return await writeElsewhere(fd, bytes, offset);
    const written = writeSync(fd, bytes, offset);
    const endMs = performance.now();
    if (endMs - startMs > slowMs) this.#slowUntilMs = endMs + slowForMs;
    return written;
  }
}

/** The callback interface costs a third of the promise one, and this is on every call's way. */
function writeElsewhere(fd: number, bytes: Buffer, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, offset, bytes.length - offset, null, (error, written) => {
      if (error === null) resolve(written);
      else if (error.code === "EAGAIN") resolve(0);
      else reject(error);
    });
  });
}
