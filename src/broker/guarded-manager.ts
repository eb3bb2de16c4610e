import type {
  DeleteOptions,
  DeleteReply,
  DescribeReply,
  ListQuery,
  ListReply,
  RotateOptions,
  RotateReply,
  SecretManager,
  WatchEvent,
  WriteOptions,
  WriteReply,
} from "../contract/secret-manager.js";
import { shownCapabilities } from "../contract/shown-capabilities.js";
import type { Capability } from "../domain/capability.js";
import type { Payload } from "../domain/payload.js";
import type { Secret, SecretDescription } from "../domain/secret.js";
import { SecretError } from "../domain/secret-error.js";
import type { SecretName } from "../domain/secret-name.js";
import type { BatchRoom } from "./batch-room.js";
import type { Call } from "./call.js";
import type { Options } from "./guarded-call.js";
import { parseDeleteReply, parseRotateReply, parseWriteReply } from "./manager-change.js";
import { type GuardOptions, ManagerGuard, type Question } from "./manager-guard.js";
import { parseDescribeReply, parseListReply } from "./manager-listing.js";
import { parseDescription } from "./manager-reply.js";
import { parseBatchReply } from "./manager-batch.js";
import { parseWatchEvent } from "./manager-watch.js";
import { ReadQuestion, unlessExpired } from "./read-question.js";
import { ReadReplyReader } from "./read-reply-reader.js";
import type { ReadRef, SecretRef } from "./secret-ref.js";

/** One read of several. */
export interface GuardedRead extends SecretRef {
  readonly version?: number | undefined;
}

/** What became of it; undefined is confirmed absence. */
export type GuardedReadResult = { readonly secret: Secret | undefined } | { readonly error: SecretError };

/** The manager as the broker sees it: every member there, every question guarded, every answer checked. */
export class GuardedManager {
  readonly name: string;
  readonly capabilities: ReadonlySet<Capability>;
  /** Whether every caller is answered the same. */
  readonly hasSharedReads: boolean;
  readonly #guard: ManagerGuard;
  readonly #manager: SecretManager;
  readonly #reader: ReadReplyReader;

  constructor(manager: SecretManager, options: GuardOptions) {
    this.#manager = manager;
    this.#guard = new ManagerGuard(manager, options);
    this.#reader = new ReadReplyReader(options.maxPayloadBytes);
    this.name = this.#guard.name;
    this.capabilities = new Set(shownCapabilities(manager));
    this.hasSharedReads = manager.supports?.sharedReads === true;
  }

  /** The options the manager would see of a call. @throws SecretError `POLICY_DENIED` */
  optionsFor(call: Pick<Call, "caller">, given: Options | undefined): Options | undefined {
    return this.#guard.optionsFor(call, given);
  }

  /** @throws SecretError `CAPABILITY_UNSUPPORTED` */
  assertSupports(capability: Capability): void {
    if (!this.capabilities.has(capability)) throw SecretError.unsupported(capability, this.name);
  }

  /** Reads the active version; undefined is confirmed absence, an expired version included. */
  readonly read = async (call: Call, subject: ReadRef): Promise<Secret | undefined> =>
    await this.readAtOnce(call, subject);

  /** The same; at once where the manager has it at hand. */
  readAtOnce(call: Call, subject: ReadRef): Secret | undefined | Promise<Secret | undefined> {
    return this.#guard.put(call, new ReadQuestion(subject, this.#reader));
  }

  /** Reads one version. */
  async readVersion(
    call: Call,
    { name, options, maxStalenessMs }: ReadRef,
    version: number,
  ): Promise<Secret | undefined> {
    this.assertSupports("versions");
    return await this.#guard.put(call, {
      operation: "read_version",
      name,
      options,
      maxStalenessMs,
      ask: (manager, managerCall) => manager.readSecretVersion?.(name, version, managerCall),
      parse: (reply) => unlessExpired(this.#reader.parseVersion(name, version, reply)),
    });
  }

  /**
   * Reads several secrets from one point in time; what became of each, in their order.
   * @param room for their payloads; of what comes once it is exceeded nothing is taken over
   */
  async batchRead(call: Call, reads: readonly GuardedRead[], room: BatchRoom): Promise<readonly GuardedReadResult[]> {
    this.assertSupports("atomic_batch");
    const bound = reads.map(({ options }) => this.#guard.optionsFor(call, options));
    const question: Question<readonly GuardedReadResult[]> = {
      operation: "batch_read",
      ask: (manager, managerCall) => {
        const copies = reads.map(({ name, version }, index) => ({
          name,
          version,
          options: structuredClone(bound[index] ?? {}),
        }));
        return manager.batchReadSecrets?.(copies, managerCall);
      },
      parse: (reply) =>
        parseBatchReply(reply, reads.length).map((item, index) => {
          const { name = "" as SecretName, version } = reads[index] ?? {};
          if (room.isExceeded) return { secret: undefined };
          if ("error" in item) return { error: this.#guard.failureOf(call, { ...question, name }, item.error) };
          const secret =
            version === undefined
              ? this.#reader.parse(name, item.reply)
              : this.#reader.parseVersion(name, version, item.reply);
          room.take(secret);
          return { secret: unlessExpired(secret) };
        }),
    };
    return await this.#guard.put(call, question);
  }

  /** Writes a value; the manager gets its own copy of everything. */
  async write(
    call: Call,
    subject: SecretRef,
    change: WriteOptions & { readonly payload: Payload },
  ): Promise<WriteReply> {
    this.assertSupports("write");
    this.#assertPreconditions(change);
    if (change.expireTime !== undefined) this.assertSupports("expiry");
    if (change.activate === false) this.assertSupports("activate");
    const { payload, tags, expireTime, ...options } = change;
    const copies = {
      ...options,
      ...(tags !== undefined && { tags: { ...tags } }),
      ...(expireTime !== undefined && { expireTime: new Date(expireTime) }),
    };
    return await this.#guard.put(call, {
      operation: "write",
      ...subject,
      known: payload,
      ask: (manager, managerCall) => manager.writeSecret?.(subject.name, copyOf(payload), copies, managerCall),
      parse: parseWriteReply,
    });
  }

  /** Deletes a secret. */
  async delete(call: Call, subject: SecretRef, options: DeleteOptions): Promise<DeleteReply> {
    this.assertSupports("delete");
    this.#assertPreconditions(options);
    return await this.#guard.put(call, {
      operation: "delete",
      ...subject,
      ask: (manager, managerCall) => manager.deleteSecret?.(subject.name, { ...options }, managerCall),
      parse: parseDeleteReply,
    });
  }

  /** Rotates by the manager's own means. */
  async rotate(
    call: Call,
    subject: SecretRef,
    change: RotateOptions & { readonly newName: SecretName; readonly payload: Payload },
  ): Promise<RotateReply> {
    this.assertSupports("rotate");
    const { newName, payload, gracePeriodMs } = change;
    if (gracePeriodMs !== undefined) this.assertSupports("grace_period");
    return await this.#guard.put(call, {
      operation: "rotate",
      ...subject,
      known: payload,
      ask: (manager, managerCall) =>
        manager.rotateSecret?.(subject.name, newName, copyOf(payload), { gracePeriodMs }, managerCall),
      parse: parseRotateReply,
    });
  }

  /** Lists a page. */
  async list(call: Call, query: ListQuery, options: Options | undefined): Promise<ListReply> {
    this.assertSupports("list");
    return await this.#guard.put(call, {
      operation: "list",
      options,
      ask: (manager, managerCall) => manager.listSecrets?.({ ...query, tags: { ...query.tags } }, managerCall),
      parse: (reply) => parseListReply(reply, query),
    });
  }

  /** Describes a secret; undefined is confirmed absence. */
  async describe(call: Call, subject: SecretRef): Promise<DescribeReply | undefined> {
    this.assertSupports("describe");
    return await this.#guard.put(call, {
      operation: "describe",
      ...subject,
      ask: (manager, managerCall) => manager.describeSecret?.(subject.name, managerCall),
      parse: (reply) => parseDescribeReply(reply, subject.name),
    });
  }

  /** Makes a version the active one. */
  async activate(
    call: Call,
    subject: SecretRef,
    { version, expectedVersion }: { readonly version: number; readonly expectedVersion?: number | undefined },
  ): Promise<SecretDescription> {
    this.assertSupports("activate");
    this.#assertPreconditions({ expectedVersion });
    return await this.#guard.put(call, {
      operation: "activate",
      ...subject,
      ask: (manager, managerCall) =>
        manager.activateSecretVersion?.(subject.name, version, { expectedVersion }, managerCall),
      parse: (reply) => parseDescription(reply, subject.name),
    });
  }

  /** Brings a deleted generation back. */
  async restore(call: Call, subject: SecretRef, uid: string | undefined): Promise<SecretDescription> {
    this.assertSupports("restore");
    return await this.#guard.put(call, {
      operation: "restore",
      ...subject,
      ask: (manager, managerCall) => manager.restoreSecret?.(subject.name, { uid }, managerCall),
      parse: (reply) => parseDescription(reply, subject.name),
    });
  }

  /** Destroys a version or a generation. */
  async destroy(
    call: Call,
    subject: SecretRef,
    target: { readonly version: number } | { readonly uid: string },
  ): Promise<void> {
    this.assertSupports("destroy");
    await this.#guard.put(call, {
      operation: "destroy",
      ...subject,
      ask: (manager, managerCall) => manager.destroySecret?.(subject.name, { ...target }, managerCall),
      parse: () => "done",
    });
  }

  /** Follows what the manager tells of changes. */
  watch(call: Call, afterRevision: bigint | undefined): AsyncGenerator<WatchEvent, void> {
    this.assertSupports("watch");
    return this.#guard.follow(call, {
      operation: "watch",
      ask: (manager, managerCall) => manager.watchSecrets?.(afterRevision, managerCall),
      parse: parseWatchEvent,
    });
  }

  /** Has the manager drop what it keeps of a secret beside the store it is in. */
  async forget(call: Call, name: SecretName): Promise<void> {
    if (this.#manager.forgetSecret === undefined) return;
    await this.#guard.put(call, {
      operation: "forget",
      name,
      ask: (manager, managerCall) => manager.forgetSecret?.(name, managerCall),
      parse: () => "done",
    });
  }

  /** Whether the manager says it can answer; a manager without a check is taken at its word. */
  async isHealthy(call: Call): Promise<boolean> {
    if (this.#manager.checkHealth === undefined) return true;
    try {
      return await this.#guard.put(call, {
        operation: "health",
        ask: (manager, managerCall) => manager.checkHealth?.(managerCall),
        parse: (reply) => reply !== false,
      });
    } catch {
      // The guard has logged it; here a failure is an answer.
      return false;
    }
  }

  /** Lets the manager release what it holds. */
  async close(): Promise<void> {
    await this.#manager.close?.();
  }

  #assertPreconditions(options: Pick<WriteOptions, "expectedVersion" | "requestId">): void {
    if (options.expectedVersion !== undefined) this.assertSupports("preconditions");
    if (options.requestId !== undefined) this.assertSupports("idempotency");
  }
}

function copyOf(payload: Payload): Payload {
  return typeof payload === "string" ? payload : new Uint8Array(payload);
}
