import { createSecretKey, type KeyObject } from "node:crypto";
import { SecretError } from "../domain/secret-error.js";
import { decrypt, encrypt } from "./authenticated-cipher.js";
import type { WrappedKey } from "./key-provider.js";

/** One key by its id. */
export interface LocalKey {
  readonly id: string;
  readonly key: Uint8Array;
}

/** Keys in this process: the first wraps, all of them unwrap. */
export class LocalKeys {
  readonly #current: { readonly id: string; readonly key: KeyObject };
  readonly #byId: Map<string, KeyObject>;

  /** Takes the keys over: the bytes are overwritten. @throws TypeError when there is none */
  constructor(keys: readonly LocalKey[]) {
    this.#byId = new Map(keys.map(({ id, key }) => [id, createSecretKey(key)]));
    for (const { key } of keys) key.fill(0);
    const [current] = this.#byId;
    if (current === undefined) throw new TypeError("there must be a key");
    this.#current = { id: current[0], key: current[1] };
  }

  get currentKeyId(): string {
    return this.#current.id;
  }

  /** All ids, the current one first. */
  get keyIds(): readonly string[] {
    return [...this.#byId.keys()];
  }

  wrap(dataKey: Uint8Array, context: Uint8Array): WrappedKey {
    const { id, key } = this.#current;
    return { keyId: id, bytes: encrypt(key, dataKey, withKeyId(context, id)) };
  }

  /** @throws SecretError `PAYLOAD_CORRUPT`, `MANAGER_UNAVAILABLE` when the key is not there */
  unwrap({ keyId, bytes }: WrappedKey, context: Uint8Array): Uint8Array {
    const key = this.#byId.get(keyId);
    if (key === undefined) {
      throw new SecretError("MANAGER_UNAVAILABLE", `the encryption key "${keyId}" is not configured`);
    }
    return decrypt(key, bytes, withKeyId(context, keyId));
  }
}

/** The id goes last, and the context says where it ends itself. */
function withKeyId(context: Uint8Array, keyId: string): Uint8Array {
  return Buffer.concat([context, Buffer.from(`key:${keyId}`, "utf8")]);
}
