import { equalPayloads, type Payload, payloadByteLength } from "../../domain/payload.js";
import type { Secret } from "../../domain/secret.js";

/** A secret in a store. */
export class HeldSecret {
  readonly name: string;
  readonly version: number | undefined;
  readonly uid: string | undefined;
  readonly byteLength: number;
  /** When the version stops being readable, in milliseconds since the epoch; Infinity for never. */
  expireAtMs: number;
  /** When it was last known to be the active version. */
  knownAtMs: number;
  /** When it was last asked for. */
  usedAtMs: number;
  /** Whether a stream that is in step tells of its changes. */
  isWatched = false;
  #payload: Payload;

  constructor(secret: Secret, knownAtMs: number) {
    const { name, version, uid, payload } = secret;
    this.name = name;
    this.version = version;
    this.uid = uid;
    this.expireAtMs = expireAtMsOf(secret);
    this.knownAtMs = knownAtMs;
    this.usedAtMs = knownAtMs;
    this.#payload = payload;
    this.byteLength = payloadByteLength(payload);
  }

  /** The payload when it is text. */
  get text(): string | undefined {
    return typeof this.#payload === "string" ? this.#payload : undefined;
  }

  /** The payload; bytes are the caller's own. */
  copy(): Payload {
    return copyPayload(this.#payload);
  }

  /** It was the active version, with the same bytes, at another time. */
  noteSame(secret: Secret, knownAtMs: number): void {
    if (knownAtMs >= this.knownAtMs) this.expireAtMs = expireAtMsOf(secret);
    this.knownAtMs = Math.max(this.knownAtMs, knownAtMs);
  }

  /** Whether it is the same version with the same bytes. */
  isSame({ version, uid, payload }: Secret): boolean {
    return version === this.version && uid === this.uid && equalPayloads(payload, this.#payload);
  }

  /** Overwrites the bytes, and lets go of the text, which JavaScript cannot overwrite. */
  wipe(): void {
    if (typeof this.#payload !== "string") this.#payload.fill(0);
    this.#payload = "";
  }
}

/** When a secret stops being readable, in milliseconds since the epoch; Infinity for never. */
export function expireAtMsOf({ expireTime }: Secret): number {
  return expireTime?.getTime() ?? Infinity;
}

/** The payload with bytes of its own; those of a `Buffer` would be shared by its `slice`. */
export function copyPayload(payload: Payload): Payload {
  return typeof payload === "string" ? payload : new Uint8Array(payload);
}
