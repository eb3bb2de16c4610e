import { createHash } from "node:crypto";
import type { DeleteOptions, DeleteReply, WriteOptions, WriteReply } from "../../contract/secret-manager.js";
import type { Payload } from "../../domain/payload.js";
import { SecretError } from "../../domain/secret-error.js";

/** What a request was answered with, by what it asked for. */
export interface Answer {
  readonly write?: WriteReply;
  readonly delete?: DeleteReply;
}

/** A request that can be recognised when it comes again. */
export interface KnownRequest {
  readonly id: string;
  /** A digest of everything that was asked for, so that no payload is kept longer than its secret. */
  readonly digest: string;
}

const maxRequests = 10_000;

/** The newest 10,000 requests that carried an id, with their answers, so that a repetition is answered alike. */
export class AnsweredRequests {
  // request id → what was asked and answered, oldest first
  readonly #answers = new Map<string, { readonly digest: string; readonly answer: Answer }>();

  /**
   * The answer the request got the first time; undefined when it is new.
   * @throws SecretError `IDEMPOTENCY_CONFLICT` when the id stood for something else.
   */
  recall(request: KnownRequest | undefined): Answer | undefined {
    const known = request && this.#answers.get(request.id);
    if (known === undefined || known.digest === request?.digest) return known?.answer;
    throw new SecretError("IDEMPOTENCY_CONFLICT", "the request id was used for a request with other content");
  }

  /** Remembers an answer; only of a request that succeeded, so that a refused one can be tried again. */
  remember(request: KnownRequest | undefined, answer: Answer): void {
    if (request === undefined) return;
    this.#answers.set(request.id, { digest: request.digest, answer });
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > maxRequests && oldest !== undefined) this.#answers.delete(oldest);
  }

  /** Forgets all requests. */
  clear(): void {
    this.#answers.clear();
  }
}

/** Recognises a write by its id, its principal and its content. */
export function writeRequest(
  subject: { readonly name: string; readonly value: Payload; readonly principal: string | undefined },
  options: WriteOptions,
): KnownRequest | undefined {
  const { description, tags, expectedVersion, requestId, expireTime, activate } = options;
  if (requestId === undefined) return undefined;
  const { name, value, principal } = subject;
  const sortedTags = tags && Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
  const asked = [name, typeof value, description, sortedTags, expectedVersion, expireTime?.getTime(), activate ?? true];
  return { id: scopedId(principal, requestId), digest: digestOf("write", asked, value) };
}

/** Recognises a deletion by its id, its principal and its content. */
export function deleteRequest(
  subject: { readonly name: string; readonly principal: string | undefined },
  options: DeleteOptions,
): KnownRequest | undefined {
  const { recoveryWindowInDays, expectedVersion, requestId } = options;
  if (requestId === undefined) return undefined;
  const asked = [subject.name, recoveryWindowInDays, expectedVersion];
  return { id: scopedId(subject.principal, requestId), digest: digestOf("delete", asked, "") };
}

/** Nobody learns by a conflict which ids another principal used. */
function scopedId(principal: string | undefined, requestId: string): string {
  return JSON.stringify([principal ?? null, requestId]);
}

function digestOf(kind: string, asked: readonly unknown[], value: Payload): string {
  // The length before the value keeps the two apart.
  const header = JSON.stringify([kind, ...asked]);
  return createHash("sha256")
    .update(`${String(header.length)}:${header}`)
    .update(value)
    .digest("base64");
}
