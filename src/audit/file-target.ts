import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, realpath, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as setTimeoutPromise } from "node:timers/promises";
import type { TornBytes } from "./audit-chain.js";
import type { AuditTarget, Continuation, TargetChange } from "./audit-target.js";
import { ByteWriter } from "./byte-writer.js";
import { readTail } from "./file-tail.js";
import { openRegularFile } from "./regular-file.js";
import { rotatedPath } from "./trail-files.js";

/** Only the broker's own user reads its audit trail. */
const fileMode = 0o600;
const directoryMode = 0o700;

/** A pipe that nobody reads neither holds the opening nor a thread that writes. */
const appending = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;

/** How long after a pipe was full it is tried again. */
const fullRetryMs = 10;

/** Has a file, by its real path, for one process; gives what lets it go. @throws Error when another has it */
export type HoldFile = (path: string) => Promise<() => void>;

/** How a file is written. */
export interface FileTargetOptions {
  /** How long the file gets before the next one is begun. */
  readonly rotateBytes: number;
  /** Whether another thread always writes to it. */
  readonly isIsolated?: boolean | undefined;
  /** Without it nothing keeps two processes from writing one file. */
  readonly hold?: HoldFile | undefined;
}

/**
 * A file that audit records are appended to; it and its directory are made when they are missing.
 *
 * It is looked up anew after a failed write and when it is no longer at its path, so that a disk that has room again, a
 * mount that came back, or a file that was moved away needs no restart.
 */
export class FileTarget implements AuditTarget {
  readonly description: string;
  readonly isKept = true;
  readonly #path: string;
  readonly #options: FileTargetOptions;
  #release: (() => void) | undefined;
  #handle: FileHandle | undefined;
  #writer: ByteWriter | undefined;
  #size = 0;
  /** Pipes and devices have no content that could be looked at. */
  #isRegular = true;

  constructor(path: string, options: FileTargetOptions) {
    this.description = path;
    this.#path = path;
    this.#options = options;
  }

  /** How long the file is by what was written to it. */
  get bytes(): number {
    return this.#size;
  }

  async open(): Promise<Continuation> {
    await this.#closeHandle();
    await mkdir(dirname(this.#path), { recursive: true, mode: directoryMode });
    const handle = await open(this.#path, appending, fileMode);
    this.#handle = handle;
    const found = await handle.stat();
    this.#isRegular = found.isFile();
    // Kept until the end, also while another file takes the place of this one.
    if (this.#isRegular) this.#release ??= await this.#options.hold?.(await realpath(this.#path));
    const mayWriteHere = this.#isRegular && this.#options.isIsolated !== true;
    this.#writer = await ByteWriter.for(mayWriteHere ? this.#path : undefined);
    this.#size = this.#isRegular ? found.size : 0;
    if (this.#size === 0) return { end: undefined, torn: undefined };
    return await this.#continuation(handle);
  }

  async append(bytes: Buffer): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined) throw new Error("the audit file is not open");
    await this.#writeAll(handle, bytes);
    this.#size += bytes.length;
  }

  async check(): Promise<TargetChange | undefined> {
    if (this.#handle === undefined || !this.#isRegular) return undefined;
    const [own, found] = await Promise.all([this.#handle.stat(), stat(this.#path).catch(() => undefined)]);
    if (own.nlink === 0) return { what: "the audit file was deleted", isLoss: true };
    if (own.size < this.#size) return { what: "the audit file was cut short", isLoss: true };
    if (own.size > this.#size) return { what: "the audit file was written to by somebody else", isLoss: true };
    if (found?.ino !== own.ino || found.dev !== own.dev)
      return { what: "the audit file was moved away", isLoss: false };
    return undefined;
  }

  async rotate(lastLink: number): Promise<boolean> {
    if (!this.#isRegular || this.#size < this.#options.rotateBytes) return false;
    const aside = rotatedPath(this.#path, lastLink);
    // Of another chain, whose numbers were the same; the next link has another.
    if (await isThere(aside)) return false;
    await rename(this.#path, aside);
    return true;
  }

  async close(): Promise<void> {
    await this.#closeHandle();
    this.#release?.();
    this.#release = undefined;
  }

  async #closeHandle(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
    const writer = (this.#writer ??= await ByteWriter.for(undefined));
    for (let offset = 0; ;) {
      const written = await writer.write(handle, bytes, offset);
      offset += written;
      if (offset === bytes.length) return;
      if (written === 0) await setTimeoutPromise(fullRetryMs, undefined, { ref: false });
      // Another file may have its number meanwhile.
      if (this.#handle !== handle) throw new Error("the audit file was closed");
    }
  }

  async #continuation(appending: FileHandle): Promise<Continuation> {
    await using reading = await openRegularFile(this.#path);
    const { end, last, endOffset, isWhole } = await readTail(reading, this.#size);
    if (!isWhole) {
      await this.#writeAll(appending, Buffer.from("\n"));
      this.#size += 1;
    }
    return { end, last, torn: endOffset === this.#size ? undefined : tornBytes(this.#path, endOffset, this.#size) };
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

function tornBytes(path: string, start: number, size: number): TornBytes {
  return {
    length: size - start,
    async *read() {
      await using handle = await openRegularFile(path);
      const stream = handle.createReadStream({ start, end: size - 1, autoClose: false });
      for await (const bytes of stream as AsyncIterable<Buffer>) yield bytes;
    },
  };
}
