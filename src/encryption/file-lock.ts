import { closeSync, fstatSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";

/** Whose lock it is, so that nobody changes the file whose lock was taken away meanwhile. */
export interface FileLock {
  /** Whether the lock is still this one. */
  isHeld(): boolean;
}

/** Somebody else holds the lock for longer than can be waited for. */
export class FileLockedError extends Error {
  override readonly name = "FileLockedError";
  readonly lockFile: string;
  /** Who holds it, as far as it is known. */
  readonly owner: string;

  constructor(lockFile: string, owner: string) {
    super(`${lockFile} is held by ${owner}`);
    this.lockFile = lockFile;
    this.owner = owner;
  }
}

/** What is done under a lock takes milliseconds: an older one was left behind by a process that died. */
const staleMs = 10_000;
/** Longer, so that whoever waits survives a lock that was left behind. */
const waitMs = 15_000;
const pauseMs = 20;

/**
 * Does something while no other process does it under the same lock, a file of that name. Waits for the others, and
 * holds the thread meanwhile.
 * @throws FileLockedError when it takes too long
 * @throws Error Node's, when no file can be made there
 */
export function withFileLock<T>(lockFile: string, work: (lock: FileLock) => T): T {
  const fd = acquire(lockFile);
  // Open until the end: the number of an open file is given to no other.
  const { ino } = fstatSync(fd);
  const isHeld = (): boolean => statSync(lockFile, { throwIfNoEntry: false })?.ino === ino;
  try {
    return work({ isHeld });
  } finally {
    if (isHeld()) rmSync(lockFile, { force: true });
    closeSync(fd);
  }
}

function acquire(lockFile: string): number {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const fd = tryToCreate(lockFile);
    if (fd !== undefined) {
      sign(fd);
      return fd;
    }
    if (performance.now() > deadline) throw new FileLockedError(lockFile, ownerOf(lockFile));
    if (isStale(lockFile)) removeStale(lockFile);
    else pause();
  }
}

/** Says whose it is, for messages; a full disk is no reason not to have the lock. */
function sign(fd: number): void {
  try {
    writeFileSync(fd, `process ${String(process.pid)} on ${hostname()}, since ${new Date().toISOString()}\n`);
  } catch {
    // The lock is that the file is there.
  }
}

function tryToCreate(file: string): number | undefined {
  try {
    return openSync(file, "wx", 0o600);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return undefined;
    throw error;
  }
}

function isStale(lockFile: string): boolean {
  const madeMs = statSync(lockFile, { throwIfNoEntry: false })?.mtimeMs;
  return madeMs !== undefined && Date.now() - madeMs > staleMs;
}

/** One process at a time: another could remove the lock that the first has just taken in the place of the stale one. */
function removeStale(lockFile: string): void {
  const guard = `${lockFile}.stale`;
  const fd = tryToCreate(guard);
  if (fd === undefined) {
    pause();
    return;
  }
  try {
    if (isStale(lockFile)) rmSync(lockFile, { force: true });
  } finally {
    closeSync(fd);
    rmSync(guard, { force: true });
  }
}

function ownerOf(lockFile: string): string {
  try {
    return readFileSync(lockFile, "utf8").trim() || "another process";
  } catch {
    return "another process";
  }
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), 0, 0, pauseMs);
}
