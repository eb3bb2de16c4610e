import type { Awaitable } from "../contract/secret-manager.js";

/** What a sealed payload belongs to; opened under any other binding it is corrupt. */
export interface PayloadBinding {
  readonly storeId: string;
  readonly uid: string;
  readonly name: string;
  readonly version: number;
  readonly isText: boolean;
}

/** A payload as it stands in the database. */
export interface SealedPayload {
  /** The key the data key is wrapped with. */
  readonly keyId: string;
  readonly wrappedKey: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** The store a cipher is for. */
export interface CipherRequest {
  readonly storeId: string;
  /** Whether the store begins now, so that nothing is sealed yet. */
  readonly isNew: boolean;
}

/** Seals payloads for the database. */
export interface StoreCipher {
  /** The key that new data keys are wrapped with. */
  currentKeyId(): Awaitable<string>;
  seal(binding: PayloadBinding, payload: Uint8Array): Awaitable<SealedPayload>;
  /**
   * @throws SecretError `PAYLOAD_CORRUPT`; `MANAGER_UNAVAILABLE`, with `key_id` in its metadata when the key is not
   * there rather than out of reach
   */
  open(binding: PayloadBinding, sealed: SealedPayload): Awaitable<Uint8Array>;
  /** Wraps the data key anew with the current key; the ciphertext stays as it is. */
  rewrap(
    binding: PayloadBinding,
    sealed: Pick<SealedPayload, "keyId" | "wrappedKey">,
  ): Awaitable<{ readonly keyId: string; readonly wrappedKey: Uint8Array }>;
}
