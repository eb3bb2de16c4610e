import { payloadByteLength } from "../domain/payload.js";
import type { Secret } from "../domain/secret.js";
import { SecretError } from "../domain/secret-error.js";

/** The room there is for the payloads of one batch. Once one did not fit, nothing more is read for it. */
export class BatchRoom {
  readonly #maxBytes: number;
  #leftBytes: number;

  /** @param maxBytes of all payloads together */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#leftBytes = maxBytes;
  }

  /** Whether something did not fit. */
  get isExceeded(): boolean {
    return this.#leftBytes < 0;
  }

  /** Takes what a secret's payload needs, whether there is as much or not. */
  take(secret: Secret | undefined): void {
    if (secret !== undefined) this.#leftBytes -= payloadByteLength(secret.payload);
  }

  /** @throws SecretError `FIELD_INVALID` once something did not fit */
  assertFits(): void {
    if (!this.isExceeded) return;
    const description = `must come to at most ${String(this.#maxBytes)} bytes of payloads together: ask for fewer at once`;
    throw SecretError.fieldInvalid([{ field: "reads", description }]);
  }
}
