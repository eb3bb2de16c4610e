import { createSecretKey, type KeyObject } from "node:crypto";
import { SecretError } from "../domain/secret-error.js";
import { decrypt, encrypt } from "./authenticated-cipher.js";
import type { KeyProvider, WrappedKey } from "./key-provider.js";
import { missingKey } from "./missing-key.js";

/** One key by its id. */
export interface LocalKey {
  readonly id: string;
  readonly key: Uint8Array;
}

/** Keys in this process: the first wraps, all of them unwrap. */
export class LocalKeys implements KeyProvider {
  readonly description: string;
  readonly #currentId: string;
  // id → key; empty once closed
  readonly #byId: Map<string, KeyObject>;

  /** Takes the keys over: the bytes are overwritten. @throws TypeError when there is none */
  constructor(keys: readonly LocalKey[], description: string) {
    const [current] = keys;
    if (current === undefined) throw new TypeError("there must be a key");
    this.description = description;
    this.#currentId = current.id;
    this.#byId = new Map(keys.map(({ id, key }) => [id, createSecretKey(key)]));
    for (const { key } of keys) key.fill(0);
  }

  /** All ids, the current one first. */
  get keyIds(): readonly string[] {
    return [...this.#byId.keys()];
  }

  /** Whether the keys are gone. */
  get isClosed(): boolean {
    return this.#byId.size === 0;
  }

  /** Whether a key is there. */
  has(keyId: string): boolean {
    return this.#byId.has(keyId);
  }

  currentKeyId(): string {
    return this.#currentId;
  }

  wrap(dataKey: Uint8Array, context: string): WrappedKey {
    const keyId = this.#currentId;
    return { keyId, bytes: encrypt(this.#find(keyId), dataKey, withKeyId(context, keyId)) };
  }

  unwrap({ keyId, bytes }: WrappedKey, context: string): Uint8Array {
    return decrypt(this.#find(keyId), bytes, withKeyId(context, keyId));
  }

  /** Lets the keys go. */
  close(): void {
    this.#byId.clear();
  }

  #find(keyId: string): KeyObject {
    const key = this.#byId.get(keyId);
    if (key !== undefined) return key;
    throw this.isClosed ? new SecretError("MANAGER_UNAVAILABLE", "the encryption keys are closed") : missingKey(keyId);
  }
}

/** The id goes last, and the context says where it ends itself. */
function withKeyId(context: string, keyId: string): Uint8Array {
  return Buffer.from(`${context}key:${keyId}`, "utf8");
}
