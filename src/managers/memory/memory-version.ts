import type { ReadReply } from "../../contract/secret-manager.js";
import type { Payload } from "../../domain/payload.js";
import type { Tags, VersionDescription } from "../../domain/secret.js";

/** What a version shows of the secret it belongs to. */
export interface VersionLabels {
  readonly uid: string;
  readonly description: string | undefined;
  readonly tags: Tags | undefined;
}

/** How a version comes into being. */
export interface NewVersion {
  readonly version: number;
  readonly value: Payload;
  readonly createTimeMs: number;
  readonly expireTimeMs: number | undefined;
}

/** One version of a secret in memory, with the answer to a read of it made ahead. */
export class MemoryVersion {
  readonly version: number;
  /** When the version stops being readable, in milliseconds since the epoch; undefined for never. */
  readonly expireTimeMs: number | undefined;
  readonly #value: Payload;
  readonly #createTimeMs: number;
  readonly #labels: VersionLabels;
  #reply: ReadReply | undefined;

  /**
   * Takes over the value: bytes must be an own copy.
   * @param labels the secret the version belongs to; {@link relabel} must be called when they change.
   */
  constructor(created: NewVersion, labels: VersionLabels) {
    this.version = created.version;
    this.#value = created.value;
    this.#createTimeMs = created.createTimeMs;
    this.expireTimeMs = created.expireTimeMs;
    this.#labels = labels;
  }

  /** Whether the version has stopped being readable. */
  isExpired(now: () => number): boolean {
    return this.expireTimeMs !== undefined && this.expireTimeMs <= now();
  }

  /** Answers a read; the same frozen object each time for text, a copy of the bytes for binary. */
  read(now: () => number): ReadReply | undefined {
    if (this.isExpired(now)) return undefined;
    this.#reply ??= this.#buildReply();
    return typeof this.#value === "string" ? this.#reply : { ...this.#reply, value: new Uint8Array(this.#value) };
  }

  /** Takes on the secret's new description or tags. */
  relabel(): void {
    this.#reply = undefined;
  }

  /** Tells about the version without its payload. */
  describe(uid: string, active: boolean): VersionDescription {
    return Object.freeze({
      uid,
      version: this.version,
      active,
      createTime: new Date(this.#createTimeMs),
      expireTime: dateOf(this.expireTimeMs),
    });
  }

  /** Overwrites binary bytes with zeroes; text cannot be overwritten, it is only let go. */
  zero(): void {
    if (typeof this.#value !== "string") this.#value.fill(0);
  }

  #buildReply(): ReadReply {
    const { uid, description, tags } = this.#labels;
    return Object.freeze({
      value: this.#value,
      version: this.version,
      uid,
      createTime: new Date(this.#createTimeMs),
      expireTime: dateOf(this.expireTimeMs),
      description,
      tags,
    });
  }
}

/** A date from milliseconds since the epoch, if there are any. */
export function dateOf(timeMs: number | undefined): Date | undefined {
  return timeMs === undefined ? undefined : new Date(timeMs);
}
