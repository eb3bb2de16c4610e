import type { ReadReply } from "../contract/secret-manager.js";
import { payloadByteLength } from "../domain/payload.js";

/**
 * Opened text payloads of the secrets read last, under a bound of bytes. Only for a store that no other process
 * changes: whoever commits a change forgets the name before the change is acknowledged.
 */
export class PayloadCache {
  readonly #maxBytes: number;
  // name → its active version, the one used last at the end
  readonly #replies = new Map<string, ReadReply>();
  #bytes = 0;
  #epoch = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Counts what was forgotten; to be taken before the database is read. */
  get epoch(): number {
    return this.#epoch;
  }

  /** A reply that is frozen and the same object each time; undefined when it is not there or has expired. */
  get(name: string, nowMs: number): ReadReply | undefined {
    const reply = this.#replies.get(name);
    if (reply === undefined) return undefined;
    if (reply.expireTime === undefined || reply.expireTime.getTime() > nowMs) return reply;
    this.#remove(name, reply);
    return undefined;
  }

  /** Keeps what was read, unless something was forgotten since. Bytes could be changed by a reader, so text only. */
  put(name: string, reply: ReadReply, epoch: number): void {
    const bytes = sizeOf(name, reply);
    if (epoch !== this.#epoch || typeof reply.value !== "string" || bytes > this.#maxBytes / 8) return;
    const replaced = this.#replies.get(name);
    if (replaced !== undefined) this.#remove(name, replaced);
    this.#replies.set(name, reply);
    this.#bytes += bytes;
    for (const [oldest, old] of this.#replies) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#remove(oldest, old);
    }
  }

  /** Forgets names that are about to change. */
  forget(names: Iterable<string>): void {
    this.#epoch += 1;
    for (const name of names) {
      const reply = this.#replies.get(name);
      if (reply !== undefined) this.#remove(name, reply);
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#epoch += 1;
    this.#replies.clear();
    this.#bytes = 0;
  }

  #remove(name: string, reply: ReadReply): void {
    this.#replies.delete(name);
    this.#bytes -= sizeOf(name, reply);
  }
}

/** About what an entry takes, the objects around the payload included. */
function sizeOf(name: string, { value }: ReadReply): number {
  return 400 + name.length + payloadByteLength(value);
}
