import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { isSecretError, SecretError } from "../domain/secret-error.js";
import { keyBytes } from "./authenticated-cipher.js";
import { FileLockedError, type FileLock, withFileLock } from "./file-lock.js";
import { type KeyEntry, formatKeyring, parseKeyring } from "./keyring-document.js";
import { keyIdOf } from "./key-id.js";

const fileMode = 0o600;
const directoryMode = 0o700;

/** Nobody but the owner may do anything with the file. */
const othersMask = 0o077;

/** Thousands of keys. */
const maxFileBytes = 1024 * 1024;

/** A keyring's key without the key. */
export type KeyringKey = Pick<KeyEntry, "id" | "createTime">;

/**
 * The keys of a file, the current one first.
 * @throws SecretError `CONFIG_INVALID` when it is missing, damaged, or can be read by others
 */
export function readKeyring(path: string): readonly KeyEntry[] {
  const parsed = parseKeyring(readOwn(path));
  if (typeof parsed === "string") throw invalid(path, parsed);
  return parsed;
}

/**
 * Makes a file with one key where there is none. Returns whether it did.
 * @throws SecretError `CONFIG_INVALID` when it cannot
 */
export function createKeyring(path: string): boolean {
  if (existsSync(path)) return false;
  return changing(path, () => {
    makeDirectory(resolve(dirname(path)));
    const target = join(realpathSync(dirname(path)), basename(path));
    return withFileLock(lockOf(target), (lock) => {
      if (existsSync(target)) return false;
      replaceFile(target, [newKey()], lock);
      return true;
    });
  });
}

/**
 * Adds a key, which is the current one from now on; running brokers take it over. Returns its id.
 * @throws SecretError `CONFIG_INVALID` when the file is missing, bad or cannot be replaced; it is as it was then
 */
export function rotateKeyring(path: string): string {
  // Refused before a lock is left anywhere.
  readKeyring(path);
  return changing(path, () => {
    // The file itself, where the path is a link to it: the link must not become a file beside it.
    const target = realpathSync(path);
    return withFileLock(lockOf(target), (lock) => {
      const added = newKey();
      replaceFile(target, [added, ...readKeyring(target)], lock);
      return added.id;
    });
  });
}

/**
 * A keyring's keys without the keys, the current one first.
 * @throws SecretError `CONFIG_INVALID`
 */
export function keyringIds(path: string): readonly KeyringKey[] {
  return readKeyring(path).map(({ id, createTime }) => ({ id, createTime }));
}

/** With everything above it that is missing; each is on the disk when this returns, as the key in it has to stay. */
function makeDirectory(path: string): void {
  const first = mkdirSync(path, { recursive: true, mode: directoryMode });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) syncDirectory(dirname(made));
}

function newKey(): KeyEntry {
  const key = randomBytes(keyBytes);
  return { id: keyIdOf(key), key: key.toString("base64"), createTime: new Date().toISOString() };
}

function lockOf(target: string): string {
  return `${target}.lock`;
}

function readOwn(path: string): string {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (cause) {
    throw invalid(path, "cannot be read; the store needs the key it was written with", cause);
  }
  try {
    // Asked of what is open, so that nothing can take its place in between.
    const stats = fstatSync(fd);
    if (!stats.isFile() || stats.size > maxFileBytes) throw invalid(path, "is not a key file");
    if ((stats.mode & othersMask) !== 0) {
      throw invalid(path, `can be read or changed by other users; run "chmod 600 ${path}"`);
    }
    return readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}

/** The old file stays whole until the new one is on the disk. */
function replaceFile(target: string, keys: readonly KeyEntry[], lock: FileLock): void {
  const next = `${target}.new`;
  // One that was left behind could have been made for others to read.
  rmSync(next, { force: true });
  const fd = openSync(next, "wx", fileMode);
  try {
    keepOwner(fd, target);
    writeFileSync(fd, formatKeyring(keys));
    fsyncSync(fd);
    if (!lock.isHeld()) throw invalid(target, "was changed by another process meanwhile; try again");
    renameSync(next, target);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  syncDirectory(dirname(target));
}

/** A rotation by the administrator must not take the file away from the broker's user. */
function keepOwner(fd: number, target: string): void {
  const before = statSync(target, { throwIfNoEntry: false });
  const now = fstatSync(fd);
  if (before === undefined || (before.uid === now.uid && before.gid === now.gid)) return;
  fchownSync(fd, before.uid, before.gid);
}

function syncDirectory(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function changing<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isSecretError(error)) throw error;
    throw invalid(path, error instanceof FileLockedError ? lockedBy(error) : "cannot be written", error);
  }
}

function lockedBy({ lockFile, owner }: FileLockedError): string {
  return `is being changed by ${owner}; if that process is gone, remove ${lockFile}*`;
}

function invalid(path: string, predicate: string, cause?: unknown): SecretError {
  return new SecretError("CONFIG_INVALID", `the key file ${path} ${predicate}`, { cause });
}
