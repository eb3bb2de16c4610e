import { decrypt, encrypt, keyBytes } from "./authenticated-cipher.js";
import type { KeyProvider, Maybe } from "./key-provider.js";
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

/** How the contexts of payloads and of data keys begin. */
const payloadPurpose = framed("secret-broker v1") + framed("payload");
const dataKeyPurpose = framed("secret-broker v1") + framed("data key");

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
    const bound = textOf(binding);
    return whileKeyIsThere(dataKey, () => {
      const ciphertext = encrypt(dataKey, payload, bytesOf(payloadPurpose + bound));
      const wrapping = this.#provider.wrap(dataKey, dataKeyPurpose + bound);
      return then(wrapping, ({ keyId, bytes }) => ({ keyId, wrappedKey: bytes, ciphertext }));
    });
  }

  /**
   * Opens a payload, as an own copy.
   * @throws SecretError `PAYLOAD_CORRUPT`, `MANAGER_UNAVAILABLE` when the key is not there
   */
  open(binding: Binding, { keyId, wrappedKey, ciphertext }: Sealed): Maybe<Uint8Array> {
    const bound = textOf(binding);
    const unwrapped = this.#provider.unwrap({ keyId, bytes: wrappedKey }, dataKeyPurpose + bound);
    return then(unwrapped, (dataKey) =>
      whileKeyIsThere(dataKey, () => decrypt(dataKey, ciphertext, bytesOf(payloadPurpose + bound))),
    );
  }

  /**
   * Wraps the data key with the current key; the ciphertext stays as it is, and is not looked at.
   * @throws SecretError `PAYLOAD_CORRUPT`, `MANAGER_UNAVAILABLE` when the key is not there
   */
  rewrap(
    binding: Binding,
    { keyId, wrappedKey }: Pick<Sealed, "keyId" | "wrappedKey">,
  ): Maybe<{ readonly keyId: string; readonly wrappedKey: Uint8Array }> {
    const context = dataKeyPurpose + textOf(binding);
    return then(this.#provider.unwrap({ keyId, bytes: wrappedKey }, context), (dataKey) =>
      whileKeyIsThere(dataKey, () =>
        then(this.#provider.wrap(dataKey, context), (wrapped) => ({
          keyId: wrapped.keyId,
          wrappedKey: wrapped.bytes,
        })),
      ),
    );
  }
}

/** Goes on at once where there is no promise: local keys are on every read's way. */
function then<T, R>(value: Maybe<T>, next: (value: T) => Maybe<R>): Maybe<R> {
  return isPromise(value) ? value.then(next) : next(value);
}

/** Overwrites a data key after its use, whatever came of that. */
function whileKeyIsThere<R>(dataKey: Uint8Array, use: () => Maybe<R>): Maybe<R> {
  try {
    const result = use();
    if (isPromise(result)) return Promise.resolve(result).finally(() => dataKey.fill(0));
    dataKey.fill(0);
    return result;
  } catch (error) {
    dataKey.fill(0);
    throw error;
  }
}

function isPromise<T>(value: Maybe<T>): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && "then" in value;
}

/** What a payload and its data key are bound to alike, behind what each of them is. */
function textOf({ storeId, uid, name, version, isText }: Binding): string {
  const digits = String(version);
  const format = isText ? "4:text" : "6:binary";
  return `${framed(storeId)}${framed(uid)}${String(digits.length)}:${digits}${format}${framed(name)}`;
}

function bytesOf(context: string): Uint8Array {
  return Buffer.from(context, "utf8");
}

/** A part with its length in bytes before it, so that no two bindings give the same text. */
function framed(part: string): string {
  return `${String(Buffer.byteLength(part))}:${part}`;
}
