import type {
  DeleteReply,
  DescribeReply,
  ListQuery,
  ListReply,
  RotateReply,
  WriteOptions,
  WriteReply,
} from "../contract/secret-manager.js";
import type { Payload } from "../domain/payload.js";
import type { SecretDescription } from "../domain/secret.js";
import { isSecretError, SecretError } from "../domain/secret-error.js";
import { type SecretName, secretNameProblem } from "../domain/secret-name.js";
import type { BrokerMetrics } from "../telemetry/broker-metrics.js";
import { AtomicBatch, readInRoom } from "./batch-read.js";
import { BatchRoom } from "./batch-room.js";
import type { BrokerSettings } from "./broker-settings.js";
import type { SecretCache } from "./cache/secret-cache.js";
import type { Call } from "./call.js";
import type { Access, Enforcement, Outcome } from "./enforcement.js";
import type { Options } from "./guarded-call.js";
import type { GuardedManager } from "./guarded-manager.js";
import { unwrapPageToken, wrapPageToken } from "./page-token.js";
import { listShown } from "./list-shown.js";
import { type ReadRequest, type ReadResult, readSecret } from "./read-secret.js";
import { type RotateRequest, rotateSecret } from "./rotate-secret.js";
import type { SecretRef } from "./secret-ref.js";
import type { OpenWatch, SecretWatches } from "./watch/secret-watches.js";
import type { WatchMessage } from "./watch/watch-messages.js";
import { WorkSlots } from "./work-slots.js";

/** What to write. */
export interface WriteRequest extends SecretRef, WriteOptions {
  readonly payload: Payload;
}

/** What to delete. */
export interface DeleteRequest extends SecretRef {
  readonly recoveryWindowInDays: number;
  readonly expectedVersion?: number | undefined;
  readonly requestId?: string | undefined;
  /** Whether an absent name is an error. */
  readonly mustExist?: boolean | undefined;
}

/** What became of a deletion. */
export type Deletion = DeleteReply;

/** What to list. */
export interface ListRequest extends Omit<ListQuery, "pageToken"> {
  /** As answered by the page before; empty for the first. */
  readonly pageToken: string;
  readonly options?: Options | undefined;
}

/** Which version to make the active one. */
export interface ActivateRequest extends SecretRef {
  readonly version: number;
  readonly expectedVersion?: number | undefined;
}

/** What to destroy. */
export interface DestroyRequest extends SecretRef {
  readonly target: { readonly version: number } | { readonly uid: string };
}

/** What became of one read of a batch. */
export type BatchItem = { readonly read: ReadResult } | { readonly error: SecretError };

/** What a broker works with. */
export interface BrokerParts {
  readonly manager: GuardedManager;
  readonly cache: SecretCache;
  readonly enforcement: Enforcement;
  readonly metrics: BrokerMetrics;
  readonly watches: SecretWatches;
  /** Those in force now. */
  readonly settings: () => BrokerSettings;
}

/** Every action on secrets, one method each: decide and record, ask the manager, answer. */
export class Broker {
  readonly #manager: GuardedManager;
  readonly #cache: SecretCache;
  readonly #enforcement: Enforcement;
  readonly #metrics: BrokerMetrics;
  readonly #watches: SecretWatches;
  readonly #settings: () => BrokerSettings;

  constructor({ manager, cache, enforcement, metrics, watches, settings }: BrokerParts) {
    this.#manager = manager;
    this.#cache = cache;
    this.#enforcement = enforcement;
    this.#metrics = metrics;
    this.#watches = watches;
    this.#settings = settings;
  }

  /** Reads one version of a secret. */
  readSecret(call: Call, request: ReadRequest): Promise<ReadResult> {
    return this.#recordRead(call, request, () => readSecret(this.#cache, call, request));
  }

  /**
   * Reads many secrets; each is decided, recorded and answered on its own, and all are of one point in time if asked.
   * Once their payloads are too much for one answer, the others fail with `FIELD_INVALID`.
   * @throws SecretError `FIELD_INVALID` where all are of one point in time and too much for one answer
   */
  async batchReadSecrets(
    call: Call,
    requests: readonly (ReadRequest | SecretError)[],
    atomic: boolean,
  ): Promise<BatchItem[]> {
    const room = new BatchRoom(this.#settings().maxBatchBytes);
    const read = atomic ? this.#atomicReader([call, room], requests) : this.#boundReader([call, room]);
    const items = await Promise.all(requests.map(async (request) => await itemOf(request, read)));
    // Some of one point in time are not what was asked for.
    if (atomic) room.assertFits();
    return items;
  }

  /** Lists a page of the secrets the caller may list. */
  async listSecrets(call: Call, request: ListRequest): Promise<ListReply> {
    const { options, pageToken, ...query } = request;
    const token = pageToken === "" ? undefined : unwrapPageToken(pageToken, query);
    const access: Access = { action: "list", names: [], isChange: false, options };
    const page = await this.#enforcement.perform(
      [call, access],
      () =>
        listShown(
          { pageSize: query.pageSize, pageToken: token },
          {
            ask: (asked) => this.#manager.list(call, { ...query, ...asked }, options),
            isShown: ({ name }) => this.#mayList(call, name),
          },
        ),
      () => ({}),
    );
    return { ...page, nextPageToken: wrapPageToken(page.nextPageToken, query) };
  }

  /** Describes a secret and its versions. */
  describeSecret(call: Call, request: SecretRef): Promise<DescribeReply> {
    const access: Access = { action: "describe", names: [request.name], isChange: false, options: request.options };
    return this.#enforcement.perform(
      [call, access],
      async () => {
        const described = await this.#manager.describe(call, request);
        if (described === undefined) throw SecretError.notFound(request.name);
        return described;
      },
      ({ uid }) => ({ uid }),
    );
  }

  /** Writes a new version. */
  writeSecret(call: Call, { name, options, ...change }: WriteRequest): Promise<WriteReply> {
    const access: Access = { action: "write", names: [name], isChange: true, options };
    return this.#enforcement.perform(
      [call, access],
      () => this.#cache.change([name], () => this.#manager.write(call, { name, options }, change)),
      (written) => ({ ...describeVersion(written), stored: change.payload }),
    );
  }

  /** Deletes a secret; without a recovery window that takes the right to destroy as well. */
  deleteSecret(call: Call, request: DeleteRequest): Promise<DeleteReply> {
    const destroy: Access = { action: "destroy", names: [request.name], isChange: true, options: request.options };
    if (request.recoveryWindowInDays > 0) return this.#delete(call, request);
    return this.#enforcement.perform([call, destroy], () => this.#delete(call, request), describeDeletion);
  }

  /** Replaces a payload under the same name or a new one. */
  rotateSecret(call: Call, request: RotateRequest): Promise<RotateReply> {
    const { name, newName, options, payload } = request;
    const names = name === newName ? [name] : [name, newName];
    const access: Access = { action: "rotate", names, isChange: true, options };
    return this.#enforcement.perform(
      [call, access],
      () => this.#cache.change(names, () => rotateSecret(this.#manager, call, request)),
      (rotated) => ({ ...describeVersion(rotated), stored: payload }),
    );
  }

  /** Makes a version the active one. */
  activateSecretVersion(call: Call, request: ActivateRequest): Promise<SecretDescription> {
    const access: Access = { action: "activate", names: [request.name], isChange: true, options: request.options };
    return this.#enforcement.perform(
      [call, access],
      () => this.#cache.change([request.name], () => this.#manager.activate(call, request, request)),
      ({ uid }) => ({ uid, version: request.version }),
    );
  }

  /** Brings a deleted secret back. */
  restoreSecret(call: Call, request: SecretRef & { readonly uid?: string | undefined }): Promise<SecretDescription> {
    const access: Access = { action: "restore", names: [request.name], isChange: true, options: request.options };
    return this.#enforcement.perform(
      [call, access],
      () => this.#cache.change([request.name], () => this.#manager.restore(call, request, request.uid)),
      ({ uid }) => ({ uid }),
    );
  }

  /** Destroys a version or a generation irreversibly. */
  destroySecret(call: Call, request: DestroyRequest): Promise<void> {
    const { target } = request;
    const access: Access = { action: "destroy", names: [request.name], isChange: true, options: request.options };
    return this.#enforcement.perform(
      [call, access],
      () => this.#cache.change([request.name], () => this.#manager.destroy(call, request, target)),
      () => target,
    );
  }

  /**
   * Begins to watch secrets; each that is sent is decided and recorded as a read is.
   * @param send resolves when more can be sent
   */
  watchSecrets(call: Call, send: (message: WatchMessage) => Promise<void>): OpenWatch {
    return this.#watches.open(call, send);
  }

  /** The manager is asked for so many at once; their records wait for nobody, so that they are written together. */
  #boundReader([call, room]: readonly [Call, BatchRoom]): ReadOne {
    const slots = new WorkSlots(this.#settings().batchConcurrency);
    return (request) => {
      const read = (): ReadResult | Promise<ReadResult> =>
        readInRoom(room, () => readSecret(this.#cache, call, request));
      return this.#recordRead(call, request, () => slots.run(read));
    };
  }

  /** Only what is allowed is asked for, and each of it passes enforcement as a read does. */
  #atomicReader([call, room]: readonly [Call, BatchRoom], requests: readonly (ReadRequest | SecretError)[]): ReadOne {
    this.#manager.assertSupports("atomic_batch");
    const allowed = requests.filter(
      (request): request is ReadRequest => !isSecretError(request) && this.#enforcement.mayAlso(call, "read", request),
    );
    const batch = new AtomicBatch({ manager: this.#manager, call, room }, allowed);
    return (request) => this.#recordRead(call, request, () => batch.read(request));
  }

  #recordRead(call: Call, request: ReadRequest, read: () => ReadResult | Promise<ReadResult>): Promise<ReadResult> {
    return this.#enforcement.perform([call, readOf(request)], read, this.#describeRead);
  }

  #delete(call: Call, { name, options, mustExist, ...rest }: DeleteRequest): Promise<DeleteReply> {
    const access: Access = { action: "delete", names: [name], isChange: true, options };
    return this.#enforcement.perform(
      [call, access],
      async () => {
        const reply = await this.#cache.change([name], () => this.#manager.delete(call, { name, options }, rest));
        if (mustExist === true && reply.status === "not_found") throw SecretError.notFound(name);
        return reply;
      },
      describeDeletion,
    );
  }

  /** A read that found something is counted where it goes on record. */
  readonly #describeRead = ({ secret, notModified }: ReadResult): Outcome => {
    this.#metrics.secretRead(secret.name);
    const { version, uid } = secret;
    return notModified ? { outcome: "not_modified", version, uid } : { version, uid, released: secret };
  };

  /** A name that breaks the rules could not be asked for, so it is not shown either. */
  #mayList(call: Call, name: string): boolean {
    return (
      secretNameProblem(name) === undefined && this.#enforcement.mayAlso(call, "list", { name: name as SecretName })
    );
  }
}

/** Reads one secret of a batch. */
type ReadOne = (request: ReadRequest) => Promise<ReadResult>;

async function itemOf(request: ReadRequest | SecretError, read: ReadOne): Promise<BatchItem> {
  if (isSecretError(request)) return { error: request };
  try {
    return { read: await read(request) };
  } catch (error) {
    return {
      error: isSecretError(error) ? error : new SecretError("INTERNAL_ERROR", "internal error", { cause: error }),
    };
  }
}

function readOf(request: ReadRequest): Access {
  return { action: "read", names: [request.name], part: request, isChange: false, options: request.options };
}

function describeVersion({ version, uid }: WriteReply): Outcome {
  return { version, uid };
}

function describeDeletion({ status, uid }: DeleteReply): Outcome {
  return { outcome: status === "not_found" ? "not_found" : "ok", uid };
}
