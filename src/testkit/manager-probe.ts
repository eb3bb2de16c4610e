import assert from "node:assert/strict";
import type { ManagerCall } from "../contract/manager-call.js";
import type {
  BatchRead,
  DeleteOptions,
  DeleteReply,
  DescribeReply,
  ListQuery,
  ListReply,
  ReadReply,
  RotateReply,
  SecretManager,
  WatchEvent,
  WriteOptions,
  WriteReply,
} from "../contract/secret-manager.js";
import type { Payload } from "../domain/payload.js";
import type { SecretDescription } from "../domain/secret.js";
import { isSecretError } from "../domain/secret-error.js";
import type { ManagerSubject } from "./manager-subject.js";

/**
 * A manager in the hands of a law: answers are brought into one shape, options and calls are frozen to the bottom, so
 * that a manager that writes to them throws.
 */
export class ManagerProbe {
  readonly manager: SecretManager;
  readonly subject: ManagerSubject;

  constructor(manager: SecretManager, subject: ManagerSubject) {
    this.manager = manager;
    this.subject = subject;
  }

  /** What goes with one call. */
  call(changes: Partial<ManagerCall> = {}): ManagerCall {
    return Object.freeze({
      options: Object.freeze({}),
      signal: new AbortController().signal,
      deadline: new Date(Date.now() + 60_000),
      principal: "conformance",
      requestId: "conformance-1",
      ...changes,
    });
  }

  /** Puts a secret there, by a write or, for a manager that cannot write, the way the subject knows. */
  async store(name: string, value: Payload): Promise<void> {
    if (this.subject.capabilities.includes("write")) {
      await this.write(name, value);
    } else {
      await this.subject.seed?.(this.manager, name, value);
    }
  }

  async write(name: string, value: Payload, options: WriteOptions = {}): Promise<WriteReply> {
    assert.ok(this.manager.writeSecret !== undefined, "the manager has no writeSecret");
    return (await this.manager.writeSecret(name, value, Object.freeze({ ...options }), this.call())) ?? {};
  }

  /** Writes and tells the version's number, which a manager with versions or preconditions must answer with. */
  async writeVersion(name: string, value: Payload, options: WriteOptions = {}): Promise<number> {
    const { version } = await this.write(name, value, options);
    assert.ok(typeof version === "number", "writeSecret must answer with the version's number");
    return version;
  }

  /** Reads; a manager that restores may say of a deleted secret that it is deleted, which is as absent as any. */
  async read(name: string, call: ManagerCall = this.call()): Promise<ReadReply | undefined> {
    return await this.#unlessDeleted(async () => asReply(await this.manager.readSecret(name, call)));
  }

  async readVersion(name: string, version: number): Promise<ReadReply | undefined> {
    const { manager } = this;
    assert.ok(manager.readSecretVersion !== undefined, "the manager has no readSecretVersion");
    return await this.#unlessDeleted(async () => await manager.readSecretVersion?.(name, version, this.call()));
  }

  async delete(name: string, options: Partial<DeleteOptions> = {}): Promise<DeleteReply> {
    assert.ok(this.manager.deleteSecret !== undefined, "the manager has no deleteSecret");
    const all = Object.freeze({ recoveryWindowInDays: 7, ...options });
    const reply = await this.manager.deleteSecret(name, all, this.call());
    if (typeof reply === "object") return reply;
    return { status: reply === false ? "not_found" : "deleted" };
  }

  async rotate(currentName: string, newName: string, value: Payload): Promise<RotateReply> {
    assert.ok(this.manager.rotateSecret !== undefined, "the manager has no rotateSecret");
    return (await this.manager.rotateSecret(currentName, newName, value, Object.freeze({}), this.call())) ?? {};
  }

  /** One page; everything on pages of 100 when nothing else is said. */
  async list(query: Partial<ListQuery> = {}): Promise<ListReply> {
    assert.ok(this.manager.listSecrets !== undefined, "the manager has no listSecrets");
    const tags = Object.freeze({ ...query.tags });
    const all = Object.freeze({ prefix: "", showDeleted: false, pageSize: 100, ...query, tags });
    const reply = await this.manager.listSecrets(all, this.call());
    assert.ok(reply.secrets.length <= all.pageSize, "a page must not be larger than was asked for");
    return reply;
  }

  /** The names on all pages, in the order they come. */
  async names(query: Partial<ListQuery> = {}, betweenPages?: () => Promise<void>): Promise<readonly string[]> {
    const names: string[] = [];
    let pageToken: string | undefined;
    for (let page = 0; page < 1_000; page += 1) {
      const reply = await this.list({ ...query, ...(pageToken !== undefined && { pageToken }) });
      names.push(...reply.secrets.map(({ name }) => name));
      if (reply.nextPageToken === undefined || reply.nextPageToken === "") return names;
      pageToken = reply.nextPageToken;
      await betweenPages?.();
    }
    assert.fail("the pages must come to an end");
  }

  async describe(name: string): Promise<DescribeReply | undefined> {
    assert.ok(this.manager.describeSecret !== undefined, "the manager has no describeSecret");
    return await this.manager.describeSecret(name, this.call());
  }

  async activate(name: string, version: number, expectedVersion?: number): Promise<SecretDescription> {
    assert.ok(this.manager.activateSecretVersion !== undefined, "the manager has no activateSecretVersion");
    const options = Object.freeze(expectedVersion === undefined ? {} : { expectedVersion });
    return await this.manager.activateSecretVersion(name, version, options, this.call());
  }

  async batchRead(reads: readonly Omit<BatchRead, "options">[]): Promise<readonly BatchAnswer[]> {
    assert.ok(this.manager.batchReadSecrets !== undefined, "the manager has no batchReadSecrets");
    const frozen = Object.freeze(reads.map((read) => Object.freeze({ ...read, options: Object.freeze({}) })));
    const replies = await this.manager.batchReadSecrets(frozen, this.call());
    return replies.map((item) => ("error" in item ? item : { reply: asReply(item.reply) }));
  }

  watch(afterRevision: bigint | undefined, signal: AbortSignal): AsyncIterator<WatchEvent> {
    assert.ok(this.manager.watchSecrets !== undefined, "the manager has no watchSecrets");
    return this.manager.watchSecrets(afterRevision, this.call({ signal }))[Symbol.asyncIterator]();
  }

  async #unlessDeleted<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (thrown) {
      const mayBeDeleted = this.subject.capabilities.includes("restore");
      if (mayBeDeleted && isSecretError(thrown) && thrown.reason === "SECRET_DELETED") return undefined;
      throw thrown;
    }
  }
}

/** What became of one read of several, in one shape. */
export type BatchAnswer = { readonly reply: ReadReply | undefined } | { readonly error: unknown };

/** A reply whatever form it was given in; null is not absent. */
export function asReply(answer: Payload | ReadReply | null | undefined): ReadReply | undefined {
  if (answer === undefined) return undefined;
  assert.ok(answer !== null, "an absent secret must be undefined, not null");
  return typeof answer === "string" || answer instanceof Uint8Array ? { value: answer } : answer;
}
