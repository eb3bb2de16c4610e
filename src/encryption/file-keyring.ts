import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  watch,
  writeSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import { SecretError } from "../domain/secret-error.js";
import { keyBytes } from "./authenticated-cipher.js";
import type { KeyProvider, WrappedKey } from "./key-provider.js";
import { LocalKeys } from "./local-keys.js";

/** What a keyring is opened with. */
export interface FileKeyringOptions {
  /** Whether a missing file is made; false where a store is there already, which another key could not open. */
  readonly mayCreate: boolean;
  /** Told what the owner should know. */
  readonly onNote: (note: string) => void;
}

/** One key as it stands in the file. */
interface KeyEntry {
  readonly id: string;
  /** Base64. */
  readonly key: string;
  readonly createTime: string;
}

const fileMode = 0o600;
const directoryMode = 0o700;

/** Nobody but the owner may do anything with the file. */
const othersMask = 0o077;

/**
 * Keys in a file of one user, the newest first. The newest wraps, all of them unwrap. A running broker takes over what
 * {@link rotateKeyring} adds, and keeps what it has when the new file is bad.
 */
export class FileKeyring implements KeyProvider {
  readonly description: string;
  readonly #onNote: (note: string) => void;
  readonly #listeners = new Set<() => void>();
  readonly #stopWatching: () => void;
  #keys: LocalKeys;

  /** @throws SecretError `CONFIG_INVALID` */
  constructor(path: string, { mayCreate, onNote }: FileKeyringOptions) {
    this.description = path;
    this.#onNote = onNote;
    if (mayCreate && !existsSync(path)) {
      createKeyring(path);
      onNote(`a new encryption key was made in ${path}; keep a copy elsewhere: without it no secret can be read again`);
    }
    this.#keys = new LocalKeys(readKeyring(path).map(keyOf));
    this.#stopWatching = watchFile(path, () => {
      this.#reload();
    });
  }

  currentKeyId(): string {
    return this.#keys.currentKeyId;
  }

  wrap(dataKey: Uint8Array, context: Uint8Array): WrappedKey {
    return this.#keys.wrap(dataKey, context);
  }

  unwrap(wrapped: WrappedKey, context: Uint8Array): Uint8Array {
    // Another process may just have rotated: the notice of it comes later than what it wrote.
    if (!this.#keys.keyIds.includes(wrapped.keyId)) this.#reload();
    return this.#keys.unwrap(wrapped, context);
  }

  onRotation(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  close(): void {
    this.#stopWatching();
    this.#listeners.clear();
  }

  #reload(): void {
    const before = this.#keys;
    try {
      const keys = new LocalKeys(readKeyring(this.description).map(keyOf));
      const isComplete = before.keyIds.every((id) => keys.keyIds.includes(id));
      if (!isComplete) throw invalid(this.description, "no longer holds every key that is in use");
      this.#keys = keys;
    } catch (error) {
      const why = error instanceof SecretError ? error.message : "it cannot be read";
      this.#onNote(`the changed key file was not taken over: ${why}`);
      return;
    }
    if (this.#keys.currentKeyId !== before.currentKeyId) for (const listener of this.#listeners) listener();
  }
}

/**
 * Adds a key, which is the current one from now on; running brokers take it over. Returns its id.
 * @throws SecretError `CONFIG_INVALID` when the file is missing or bad, or another rotation is under way
 */
export function rotateKeyring(path: string): string {
  const release = lock(path);
  try {
    const added = newKey();
    replaceFile(path, [added, ...readKeyring(path)]);
    return added.id;
  } finally {
    release();
  }
}

/** The ids of a keyring's keys with when they were made, the current one first. */
export function keyringIds(path: string): readonly Pick<KeyEntry, "id" | "createTime">[] {
  return readKeyring(path).map(({ id, createTime }) => ({ id, createTime }));
}

function createKeyring(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: directoryMode });
  const release = lock(path);
  try {
    if (!existsSync(path)) replaceFile(path, [newKey()]);
  } finally {
    release();
  }
}

function newKey(): KeyEntry {
  const key = randomBytes(keyBytes);
  return { id: keyIdOf(key), key: key.toString("base64"), createTime: new Date().toISOString() };
}

/** An id that belongs to the key's bytes: another key under a known id is noticed. */
export function keyIdOf(key: Uint8Array): string {
  return createHash("sha256").update("secret-broker key id").update(key).digest("hex").slice(0, 16);
}

function readKeyring(path: string): readonly KeyEntry[] {
  const text = readOwn(path);
  const entries = parseEntries(text);
  if (entries === undefined) throw invalid(path, "is not a key file, or not a whole one; bring it back from a copy");
  return entries;
}

function readOwn(path: string): string {
  try {
    if ((statSync(path).mode & othersMask) === 0) return readFileSync(path, "utf8");
  } catch (cause) {
    throw invalid(path, "cannot be read; the store needs the key it was written with", cause);
  }
  throw invalid(path, `can be read by other users; run "chmod 600 ${path}"`);
}

function parseEntries(text: string): readonly KeyEntry[] | undefined {
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document !== "object" || document === null || !("keys" in document)) return undefined;
    const { keys } = document;
    return Array.isArray(keys) && keys.length > 0 && keys.every(isEntry) ? keys : undefined;
  } catch {
    // Node's message would quote the file.
    return undefined;
  }
}

function isEntry(entry: unknown): entry is KeyEntry {
  if (typeof entry !== "object" || entry === null) return false;
  if (!("id" in entry && "key" in entry && "createTime" in entry)) return false;
  const { id, key, createTime } = entry;
  if (typeof id !== "string" || typeof key !== "string" || typeof createTime !== "string") return false;
  const bytes = Buffer.from(key, "base64");
  return bytes.length === keyBytes && keyIdOf(bytes) === id;
}

function keyOf({ id, key }: KeyEntry): { id: string; key: Uint8Array } {
  return { id, key: new Uint8Array(Buffer.from(key, "base64")) };
}

/** The old file stays whole until the new one is on the disk. */
function replaceFile(path: string, keys: readonly KeyEntry[]): void {
  const next = `${path}.new`;
  const fd = openSync(next, "w", fileMode);
  try {
    writeSync(fd, `${JSON.stringify({ format: 1, keys }, undefined, 2)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(next, path);
  const directory = openSync(dirname(path), "r");
  fsyncSync(directory);
  closeSync(directory);
}

/** Long enough for any rotation; a lock that is older was left behind. */
const staleLockMs = 60_000;

function lock(path: string): () => void {
  const file = `${path}.lock`;
  const age = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  if (age > staleLockMs) unlinkSync(file);
  try {
    closeSync(openSync(file, "wx", fileMode));
  } catch (cause) {
    throw invalid(path, `is being changed by another process; try again, or remove ${file} if there is none`, cause);
  }
  return () => {
    unlinkSync(file);
  };
}

/** The directory is watched, as the file is replaced and not written. */
function watchFile(path: string, onChange: () => void): () => void {
  const watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
    if (name === basename(path)) onChange();
  });
  watcher.on("error", () => {
    watcher.close();
  });
  return () => {
    watcher.close();
  };
}

function invalid(path: string, predicate: string, cause?: unknown): SecretError {
  return new SecretError("CONFIG_INVALID", `the key file ${path} ${predicate}`, { cause });
}
