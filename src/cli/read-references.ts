import { setTimeout as pause } from "node:timers/promises";
import type { BatchReadResult } from "../client/batch-read-secrets.js";
import type { SecretBrokerClient } from "../client/secret-broker-client.js";
import { type Payload, payloadBytes } from "../domain/payload.js";
import { isSecretError, SecretError } from "../domain/secret-error.js";
import { exitCodeByReason, exitCodes } from "./exit-codes.js";
import { formatReference, referenceKey, type SecretReference, uniqueReferences } from "./secret-reference.js";

/** The values of references. */
export class ReferenceValues {
  readonly #payloads: ReadonlyMap<string, Payload>;

  constructor(payloads: ReadonlyMap<string, Payload>) {
    this.#payloads = payloads;
  }

  /** The payload of a reference that was read. */
  payload(reference: SecretReference): Payload {
    const payload = this.#payloads.get(referenceKey(reference));
    if (payload === undefined) throw new Error("a reference that was not read");
    return payload;
  }

  /** Whether all values are the same, byte for byte. */
  equals(other: ReferenceValues): boolean {
    if (this.#payloads.size !== other.#payloads.size) return false;
    return [...this.#payloads].every(([key, payload]) => {
      const theirs = other.#payloads.get(key);
      return theirs !== undefined && Buffer.compare(payloadBytes(payload), payloadBytes(theirs)) === 0;
    });
  }
}

/** Within what values are read. */
export interface ReadReferencesOptions {
  /** How long to try again what may come back, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

interface Failure {
  readonly reference: SecretReference;
  readonly error: SecretError;
}

/** How many are asked for at once. */
const batchSize = 100;
/** The first and the longest pause before what could not be had is asked for again, in milliseconds. */
const pauseMs = { first: 100, longest: 2_000 } as const;

/**
 * Reads all references. What is unavailable is asked for again until the time is over; what is absent or denied is an
 * error at once.
 * @throws SecretError that lists every reference without a value, with the reason
 */
export async function readReferences(
  client: SecretBrokerClient,
  references: readonly SecretReference[],
  { timeoutMs, signal }: ReadReferencesOptions,
): Promise<ReferenceValues> {
  const all = uniqueReferences(references);
  const endMs = performance.now() + timeoutMs;
  const payloads = new Map<string, Payload>();
  for (let attempt = 0; ; attempt += 1) {
    const open = all.filter((reference) => !payloads.has(referenceKey(reference)));
    const failures = await readOnce(client, open, { payloads, endMs, signal });
    if (failures.length === 0) return new ReferenceValues(payloads);
    const delayMs = Math.min(pauseMs.first * 2 ** attempt, pauseMs.longest) * (0.5 + Math.random() / 2);
    const isHopeless = failures.some(({ error }) => !mayComeBack(error));
    if (isHopeless || performance.now() + delayMs >= endMs) throw failureOf(failures, all.length);
    await pause(delayMs, undefined, { signal });
  }
}

function mayComeBack({ reason }: SecretError): boolean {
  return exitCodeByReason[reason] === exitCodes.unavailable;
}

interface Attempt extends Pick<ReadReferencesOptions, "signal"> {
  /** When the time for all of them is over. */
  readonly endMs: number;
  readonly payloads: Map<string, Payload>;
}

async function readOnce(
  client: SecretBrokerClient,
  references: readonly SecretReference[],
  { payloads, endMs, signal }: Attempt,
): Promise<readonly Failure[]> {
  const failures: Failure[] = [];
  for (let start = 0; start < references.length; start += batchSize) {
    const part = references.slice(start, start + batchSize);
    const timeoutMs = Math.max(endMs - performance.now(), 1);
    const results = await batchOf(client, part, { timeoutMs, signal });
    for (const [index, reference] of part.entries()) {
      const outcome = outcomeOf(results[index]);
      if (isSecretError(outcome)) failures.push({ reference, error: outcome });
      else payloads.set(referenceKey(reference), outcome);
    }
  }
  return failures;
}

/** The results of a batch; a call that fails as a whole fails for each read. */
async function batchOf(
  client: SecretBrokerClient,
  part: readonly SecretReference[],
  options: ReadReferencesOptions,
): Promise<readonly BatchReadResult[]> {
  try {
    return await client.batchReadSecrets({ reads: part }, options);
  } catch (error) {
    if (!isSecretError(error)) throw error;
    return part.map(({ name }) => ({ ok: false, name, error }));
  }
}

function outcomeOf(result: BatchReadResult | undefined): Payload | SecretError {
  if (result !== undefined && !result.ok) return result.error;
  if (result?.answer.notModified === false) return result.answer.secret.payload;
  return new SecretError("MANAGER_REPLY_INVALID", "the broker left a payload out");
}

/** One error for all; one that waiting cannot mend says the most. */
function failureOf(failures: readonly Failure[], count: number): SecretError {
  const first = failures.find(({ error }) => !mayComeBack(error)) ?? failures[0];
  if (first === undefined) throw new Error("there is no failure");
  const { reason, metadata, message } = first.error;
  const isOne = failures.every(({ error }) => error === first.error);
  const listed = failures.map(({ reference, error }) => `${formatReference(reference)} (${error.reason})`).join(", ");
  if (isOne && count === failures.length && count === 1) return first.error;
  const why = isOne ? `; ${message}` : "";
  const text = `${String(failures.length)} of ${String(count)} values could not be read: ${listed}${why}`;
  return new SecretError(reason, text, { cause: first.error, metadata });
}
