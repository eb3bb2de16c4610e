import { randomBytes } from "node:crypto";
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { isSecretError, SecretError } from "../domain/secret-error.js";
import { keyBytes } from "./authenticated-cipher.js";
import { changeFailure, changeFile, syncDirectory } from "./change-file.js";
import { type KeyEntry, formatKeyring, parseKeyring } from "./keyring-document.js";
import { keyIdOf } from "./key-id.js";

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
    return changeFile(target, (replace) => {
      if (existsSync(target)) return false;
      replace(formatKeyring([newKey()]));
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
    return changeFile(target, (replace) => {
      const added = newKey();
      replace(formatKeyring([added, ...readKeyring(target)]));
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

function changing<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isSecretError(error)) throw error;
    throw invalid(path, changeFailure(error), error);
  }
}

function invalid(path: string, predicate: string, cause?: unknown): SecretError {
  return new SecretError("CONFIG_INVALID", `the key file ${path} ${predicate}`, { cause });
}
