import { isSecretError, SecretError } from "../domain/secret-error.js";
import type { KeyProvider, WrappedKey } from "./key-provider.js";
import type { KeyEntry } from "./keyring-document.js";
import { createKeyring, readKeyring } from "./keyring-file.js";
import { type LocalKey, LocalKeys } from "./local-keys.js";
import { fingerprintOf, watchFile } from "./watch-file.js";

/** What a keyring is opened with. */
export interface FileKeyringOptions {
  /** Whether a missing file is made; false where a store is there already, which another key could not open. */
  readonly mayCreate: boolean;
  /** Told what the owner should know. */
  readonly onNote: (note: string) => void;
}

/**
 * Keys in a file of one user, the newest first. The newest wraps, all of them unwrap. A running broker takes over what
 * a rotation adds, and keeps what it has when the new file is bad.
 */
export class FileKeyring implements KeyProvider {
  readonly description: string;
  readonly #onNote: (note: string) => void;
  readonly #listeners = new Set<(keyId: string) => void>();
  readonly #stopWatching: () => void;
  #keys: LocalKeys;
  /** Of the file that was looked at last, good or bad. */
  #fingerprint: string;

  /** @throws SecretError `CONFIG_INVALID` */
  constructor(path: string, { mayCreate, onNote }: FileKeyringOptions) {
    this.description = path;
    this.#onNote = onNote;
    if (mayCreate && createKeyring(path)) {
      onNote(`a new encryption key was made in ${path}; keep a copy elsewhere: without it no secret can be read again`);
    }
    // Taken first: what changes while the file is read is seen by the next look.
    this.#fingerprint = fingerprintOf(path);
    this.#keys = loadKeys(path);
    this.#stopWatching = watchFile(path, () => {
      this.#reload();
    });
  }

  currentKeyId(): string {
    return this.#keys.currentKeyId();
  }

  wrap(dataKey: Uint8Array, context: string): WrappedKey {
    return this.#keys.wrap(dataKey, context);
  }

  unwrap(wrapped: WrappedKey, context: string): Uint8Array {
    // Another process may just have rotated: the notice of it comes later than what it wrote.
    if (!this.#keys.has(wrapped.keyId)) this.#reload();
    return this.#keys.unwrap(wrapped, context);
  }

  onRotation(listener: (keyId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  close(): void {
    this.#stopWatching();
    this.#listeners.clear();
    this.#keys.close();
  }

  #reload(): void {
    const fingerprint = fingerprintOf(this.description);
    if (this.#keys.isClosed || fingerprint === this.#fingerprint) return;
    this.#fingerprint = fingerprint;
    const before = this.#keys;
    try {
      this.#keys = successorOf(before);
    } catch (error) {
      const why = isSecretError(error) ? error.message : "it cannot be read";
      this.#onNote(`the changed key file was not taken over: ${why}`);
      return;
    }
    const keyId = this.#keys.currentKeyId();
    const isRotated = keyId !== before.currentKeyId();
    before.close();
    if (isRotated) for (const listener of this.#listeners) listener(keyId);
  }
}

/** What stands in the file now, unless it lacks a key: what that wraps could not be read any more. */
function successorOf(before: LocalKeys): LocalKeys {
  const path = before.description;
  const keys = loadKeys(path);
  if (before.keyIds.every((id) => keys.has(id))) return keys;
  keys.close();
  throw new SecretError("CONFIG_INVALID", `the key file ${path} no longer holds every key that is in use`);
}

function loadKeys(path: string): LocalKeys {
  return new LocalKeys(readKeyring(path).map(keyOf), path);
}

function keyOf({ id, key }: KeyEntry): LocalKey {
  // An own copy: short buffers are parts of one that is shared, and this one is overwritten in the end.
  return { id, key: Uint8Array.from(Buffer.from(key, "base64")) };
}
