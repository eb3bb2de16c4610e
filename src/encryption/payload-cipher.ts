import { decrypt, encrypt, keyBytes } from "./authenticated-cipher.js";
import type { KeyProvider, Maybe, WrappedKey } from "./key-provider.js";
import { randomOwn } from "./random-pool.js";

/** What a sealed payload belongs to; opened under any other binding it is corrupt. */
export interface Binding {
  readonly storeId: string;
  readonly uid: string;
  readonly name: string;
  readonly version: number;
  readonly isText: boolean;
}

/** A payload under a data key of its own, which is wrapped by a key provider's. */
export interface Sealed {
  readonly keyId: string;
  readonly wrappedKey: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/**
 * Envelope encryption: every payload has a data key of its own. Both the payload and the wrapped key are bound to what
 * they belong to, so that rows or columns that change places do not open.
 */
export class PayloadCipher {
  readonly #provider: KeyProvider;

  constructor(provider: KeyProvider) {
    this.#provider = provider;
  }

  /** The key that new data keys are wrapped with. */
  currentKeyId(): Maybe<string> {
    return this.#provider.currentKeyId();
  }

  /** Seals a payload. */
  seal(binding: Binding, payload: Uint8Array): Maybe<Sealed> {
    const dataKey = randomOwn(keyBytes);
    const ciphertext = encrypt(dataKey, payload, contextOf("payload", binding));
    return finishing(this.#provider.wrap(dataKey, contextOf("data key", binding)), dataKey, ({ keyId, bytes }) => ({
      keyId,
      wrappedKey: bytes,
      ciphertext,
    }));
  }

  /**
   * Opens a payload, as an own copy.
   * @throws SecretError `PAYLOAD_CORRUPT`, `MANAGER_UNAVAILABLE` when the key is not there
   */
  open(binding: Binding, { keyId, wrappedKey, ciphertext }: Sealed): Maybe<Uint8Array> {
    const unwrapped = this.#provider.unwrap({ keyId, bytes: wrappedKey }, contextOf("data key", binding));
    return then(unwrapped, (dataKey) => {
      try {
        return decrypt(dataKey, ciphertext, contextOf("payload", binding));
      } finally {
        dataKey.fill(0);
      }
    });
  }

  /** Wraps the data key with the current key; the ciphertext stays as it is. */
  rewrap(
    binding: Binding,
    { keyId, wrappedKey }: Sealed,
  ): Maybe<{ readonly keyId: string; readonly wrappedKey: Uint8Array }> {
    const context = contextOf("data key", binding);
    return then(this.#provider.unwrap({ keyId, bytes: wrappedKey }, context), (dataKey) =>
      finishing(this.#provider.wrap(dataKey, context), dataKey, (wrapped) => ({
        keyId: wrapped.keyId,
        wrappedKey: wrapped.bytes,
      })),
    );
  }
}

/** Goes on at once where there is no promise: local keys are on every read's way. */
function then<T, R>(value: Maybe<T>, next: (value: T) => Maybe<R>): Maybe<R> {
  return isPromise(value) ? value.then(next) : next(value);
}

/** The same, and the data key is gone from memory afterwards, whatever came of it. */
function finishing<R>(wrapping: Maybe<WrappedKey>, dataKey: Uint8Array, next: (wrapped: WrappedKey) => R): Maybe<R> {
  if (!isPromise(wrapping)) {
    dataKey.fill(0);
    return next(wrapping);
  }
  return Promise.resolve(wrapping)
    .finally(() => dataKey.fill(0))
    .then(next);
}

function isPromise<T>(value: Maybe<T>): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && "then" in value;
}

/** Every part with its length before it, so that no two bindings give the same bytes. */
function contextOf(purpose: string, { storeId, uid, name, version, isText }: Binding): Uint8Array {
  const parts = ["secret-broker v1", purpose, storeId, uid, String(version), isText ? "text" : "binary", name];
  return Buffer.from(parts.map((part) => `${String(Buffer.byteLength(part))}:${part}`).join(""), "utf8");
}
