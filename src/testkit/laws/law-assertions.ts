import assert from "node:assert/strict";
import type { ReadReply } from "../../contract/secret-manager.js";
import type { Payload } from "../../domain/payload.js";
import { type SecretErrorReason, isSecretError } from "../../domain/secret-error.js";
import type { Tags } from "../../domain/secret.js";
import type { ManagerProbe } from "../manager-probe.js";

/** Fails unless a plain read gives exactly this payload; undefined stands for absent. */
export async function assertReads(probe: ManagerProbe, name: string, expected: Payload | undefined): Promise<void> {
  const reply = await probe.read(name);
  if (expected === undefined) {
    assert.equal(reply, undefined, `"${name}" must be absent, as undefined`);
  } else {
    assertPayload(reply, expected);
  }
}

/** Fails unless a reply holds exactly this payload, bytes and form; says nothing about the payload itself. */
export function assertPayload(reply: ReadReply | undefined, expected: Payload): void {
  assert.ok(reply !== undefined, "the secret must be there");
  const { value } = reply;
  if (typeof expected === "string") {
    assert.ok(typeof value === "string", "text must be read as text");
    assert.ok(value === expected, "text must be read as it was written");
  } else {
    assert.ok(value instanceof Uint8Array, "bytes must be read as bytes");
    assert.ok(Buffer.from(expected).equals(value), "bytes must be read as they were written");
  }
}

/** Fails unless the work rejects with a `SecretError` of this reason, which it returns the metadata of. */
export async function assertRefused(
  reason: SecretErrorReason,
  work: Promise<unknown>,
): Promise<Readonly<Record<string, string>>> {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error ?? new Error("nothing was thrown"),
  );
  assert.ok(thrown !== undefined, `must be refused with ${reason}`);
  assert.ok(isSecretError(thrown), `must be refused with a SecretError ${reason}`);
  assert.equal(thrown.reason, reason);
  return thrown.metadata;
}

/** Runs as many times at once; tells what came of each. */
export async function race<T>(times: number, work: (index: number) => Promise<T>): Promise<RaceOutcome<T>> {
  const settled = await Promise.allSettled(Array.from({ length: times }, (_, index) => work(index)));
  return {
    won: settled.flatMap((outcome, index) => (outcome.status === "fulfilled" ? [{ index, reply: outcome.value }] : [])),
    lost: settled.flatMap((outcome): unknown[] => (outcome.status === "rejected" ? [outcome.reason] : [])),
  };
}

/** What came of a race. */
export interface RaceOutcome<T> {
  /** Who succeeded, in the order they started. */
  readonly won: readonly { readonly index: number; readonly reply: T }[];
  /** What the others threw. */
  readonly lost: readonly unknown[];
}

/** Fails unless exactly one won a race and all others were refused with this reason; returns the winner's index. */
export function assertOneWinner(outcome: RaceOutcome<unknown>, reason: SecretErrorReason): number {
  const [winner] = outcome.won;
  assert.ok(winner !== undefined && outcome.won.length === 1, "exactly one of them must win");
  for (const thrown of outcome.lost) {
    assert.ok(isSecretError(thrown), `the others must be refused with a SecretError ${reason}`);
    assert.equal(thrown.reason, reason);
  }
  return winner.index;
}

/** Fails unless these are the labels, wherever the manager shows them. */
export async function assertLabels(
  probe: ManagerProbe,
  name: string,
  { description, tags }: { readonly description?: string; readonly tags: Tags },
): Promise<void> {
  const described = await probe.describe(name);
  assert.equal(described?.description, description);
  assert.deepEqual({ ...described?.tags }, tags);
  const read = await probe.read(name);
  if (read?.description !== undefined) assert.equal(read.description, description);
  if (read?.tags !== undefined) assert.deepEqual({ ...read.tags }, tags);
}
