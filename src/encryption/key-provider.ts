/** A data key under another key. */
export interface WrappedKey {
  /** The key it is wrapped with. */
  readonly keyId: string;
  readonly bytes: Uint8Array;
}

/** A value, or a promise of one. */
export type Maybe<T> = T | PromiseLike<T>;

/**
 * Wraps data keys with a key that the store never sees. A provider in this process answers at once, a key management
 * service with promises.
 */
export interface KeyProvider {
  /** What messages call it, such as a path. */
  readonly description: string;
  /** The key that new data keys are wrapped with. */
  currentKeyId(): Maybe<string>;
  /** @param context what the data key belongs to; unwrapping needs the same */
  wrap(dataKey: Uint8Array, context: string): Maybe<WrappedKey>;
  /**
   * The data key, as an own copy that the caller overwrites.
   * @throws SecretError `PAYLOAD_CORRUPT` when it does not verify, `MANAGER_UNAVAILABLE` when the key is not there
   */
  unwrap(wrapped: WrappedKey, context: string): Maybe<Uint8Array>;
  /** Calls back with its id when another key has become the current one. Returns its end. */
  onRotation?(listener: (keyId: string) => void): () => void;
  /** Releases what the provider holds; it must not be used afterwards. */
  close?(): void;
}
