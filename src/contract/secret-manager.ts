import type { Payload } from "../domain/payload.js";
import type { SecretDescription, Tags, VersionDescription } from "../domain/secret.js";
import type { ManagerCall } from "./manager-call.js";

/** A value, or a promise of one. */
export type Awaitable<T> = T | PromiseLike<T>;

/** A payload with what the manager knows about it. */
export interface ReadReply {
  readonly value: Payload;
  /** From 1 upwards within the generation. */
  readonly version?: number | undefined;
  readonly uid?: string | undefined;
  readonly createTime?: Date | undefined;
  readonly expireTime?: Date | undefined;
  readonly description?: string | undefined;
  readonly tags?: Tags | undefined;
  /** For a manager that itself keeps answers of another: how long ago that one gave this one, in milliseconds. */
  readonly ageMs?: number | undefined;
  /** Only with `ageMs`: whether it is given because the other could not be asked. */
  readonly isStale?: boolean | undefined;
}

/** What goes with a value that is written. */
export interface WriteOptions {
  /** What the secret is for; keep what is there when undefined. */
  readonly description?: string | undefined;
  /** Labels; keep what is there when undefined. */
  readonly tags?: Tags | undefined;
  /** Only with `supports.preconditions`: write only if this is the active version; 0 means it must not exist. */
  readonly expectedVersion?: number | undefined;
  /** Only with `supports.idempotency`: a repetition with the same content is answered as the first time. */
  readonly requestId?: string | undefined;
  /** Only with `supports.expiry`: when the version stops being readable. */
  readonly expireTime?: Date | undefined;
  /** False only with {@link SecretManager.activateSecretVersion}: write the version without making it the active one. */
  readonly activate?: boolean | undefined;
}

/** The version that was written; nothing when the manager keeps no versions. */
export type WriteReply = VersionDescription;

/** How a secret is deleted. */
export interface DeleteOptions {
  /** For how many days it can be restored, 0 to 3,650; 0 destroys at once. */
  readonly recoveryWindowInDays: number;
  /** Only with `supports.preconditions`: delete only if this is the active version. */
  readonly expectedVersion?: number | undefined;
  /** Only with `supports.idempotency`: a repetition is answered as the first time. */
  readonly requestId?: string | undefined;
}

/** What became of a deletion; the words are the reference's. */
export interface DeleteReply {
  readonly status: "deleted" | "not_found";
  readonly uid?: string | undefined;
  readonly restorableUntil?: Date | undefined;
}

/** How a secret is rotated. */
export interface RotateOptions {
  /** Only with `supports.gracePeriod`: for how long the previous version stays readable by its number, in ms. */
  readonly gracePeriodMs?: number | undefined;
}

/** The version that took over. */
export interface RotateReply extends VersionDescription {
  /** Until when the previous version, or the old name, can be brought back. */
  readonly previousRestorableUntil?: Date | undefined;
}

/** Which secrets to list. */
export interface ListQuery {
  /** Only names that begin with this; empty for all. */
  readonly prefix: string;
  /** Only secrets that carry all these tags with these values. */
  readonly tags: Tags;
  /** Whether deleted secrets that can be restored are listed too. */
  readonly showDeleted: boolean;
  /** The most secrets to answer with, 1 to 1,000. */
  readonly pageSize: number;
  /** What the page before answered; undefined for the first page. */
  readonly pageToken?: string | undefined;
}

/** A page of secrets in the order of their names by UTF-16 code units, as JavaScript's `<` sorts. */
export interface ListReply {
  readonly secrets: readonly SecretDescription[];
  /**
   * At most 2,048 characters; undefined or empty on the last page. Callers can read it, and it is only ever given to one
   * who may see the page's last entry: it may tell of that entry, and of no other.
   */
  readonly nextPageToken?: string | undefined;
}

/** A secret and its versions, oldest first. */
export interface DescribeReply extends SecretDescription {
  readonly versions?: readonly VersionDescription[] | undefined;
}

/** What a watch tells, in the order of revisions. */
export type WatchEvent =
  | { readonly kind: "changed" | "removed"; readonly secret: SecretDescription; readonly revision: bigint }
  | {
      readonly kind: "synced";
      readonly revision: bigint;
      /** For a manager that itself hears of changes from another: how often that one asks for them, in milliseconds. */
      readonly pollIntervalMs?: number | undefined;
    }
  | {
      /**
       * For a manager that itself hears of changes from another: everything that had changed by `asOf`, by this
       * machine's clock, has been told. Once one was told on a stream, nothing later than the newest is known to be
       * current; without any, a manager is current as long as its stream is open. The first goes before `synced`.
       */
      readonly kind: "current";
      readonly asOf: Date;
      readonly revision: bigint;
    };

/** One read of several. */
export interface BatchRead {
  readonly name: string;
  /** The active version when undefined. */
  readonly version?: number | undefined;
  /** The caller's, of this read. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What became of one read of several: what `readSecret` would have answered, or thrown. */
export type BatchReadReply = { readonly reply: Payload | ReadReply | undefined } | { readonly error: unknown };

/** What a manager honours beyond what its members show. All false unless declared. */
export interface Supports {
  /** `expectedVersion` of writes and deletes. */
  readonly preconditions?: boolean | undefined;
  /** `requestId` of writes and deletes. */
  readonly idempotency?: boolean | undefined;
  /** `expireTime` of writes. */
  readonly expiry?: boolean | undefined;
  /** `gracePeriodMs` of rotations. */
  readonly gracePeriod?: boolean | undefined;
  /**
   * Every caller is answered the same to the same question: nothing hangs on `call.principal`, so the broker's cache may
   * answer one caller with what another was told, once that one is allowed to read it.
   */
  readonly sharedReads?: boolean | undefined;
}

/**
 * A store of secret values.
 *
 * A manager stores; it does not decide. Names arrive checked and callers authorised, so a manager holds no policy and
 * writes no audit. Members may be called concurrently. A missing optional member means the manager cannot do it: the
 * broker answers `CAPABILITY_UNSUPPORTED`, or emulates rotation, batches and watching. What a manager throws reaches
 * the caller as `MANAGER_UNAVAILABLE`, unless it is a `SecretError`; the text goes to the log only.
 */
export interface SecretManager {
  /** What messages call the manager; the class's name when it is missing. */
  readonly managerName?: string | undefined;
  /** What the manager honours beyond what its members show. */
  readonly supports?: Supports | undefined;

  /**
   * Reads the active version.
   *
   * Returns the value, or `undefined` for **confirmed absent**; throws for **failed**. `""` is a value. Returned bytes
   * belong to the broker. The reference's `async_read_secret`.
   */
  readSecret(name: string, call: ManagerCall): Awaitable<Payload | ReadReply | undefined>;

  /** The same, without a promise. The reference's `sync_read_secret`. */
  readSecretSync?(name: string, call: ManagerCall): Payload | ReadReply | undefined;

  /** Reads one version by its number; `undefined` when it is confirmed absent. Shows the capability `versions`. */
  readSecretVersion?(name: string, version: number, call: ManagerCall): Awaitable<ReadReply | undefined>;

  /**
   * Reads several secrets as they are at one point in time; a reply for each, in their order. Shows the capability
   * `atomic_batch`; without it the broker reads one after the other where no point in time is asked for.
   */
  batchReadSecrets?(reads: readonly BatchRead[], call: ManagerCall): Awaitable<readonly BatchReadReply[]>;

  /** Stores a value, over an existing one too. The reference's `async_write_secret`. */
  writeSecret?(
    name: string,
    value: Payload,
    options: WriteOptions,
    call: ManagerCall,
  ): Awaitable<WriteReply | undefined | void>;

  /**
   * Deletes a secret. False or `not_found` for an absent name, which is no error; nothing counts as deleted.
   * The reference's `async_delete_secret`.
   */
  deleteSecret?(
    name: string,
    options: DeleteOptions,
    call: ManagerCall,
  ): Awaitable<boolean | DeleteReply | undefined | void>;

  /**
   * Replaces a value under the same name or a new one, atomically; without it the broker emulates rotation.
   * The reference's `async_rotate_secret`.
   * @throws SecretError `SECRET_NOT_FOUND`, `SECRET_EXISTS`
   */
  rotateSecret?(
    currentName: string,
    newName: string,
    value: Payload,
    options: RotateOptions,
    call: ManagerCall,
  ): Awaitable<RotateReply | undefined | void>;

  /** Lists a page; entries carry their tags, so that a filter can be checked, and a page token must survive writes between pages. */
  listSecrets?(query: ListQuery, call: ManagerCall): Awaitable<ListReply>;

  /** Describes a secret; `undefined` when it is confirmed absent. */
  describeSecret?(name: string, call: ManagerCall): Awaitable<DescribeReply | undefined>;

  /**
   * Makes a version the active one.
   * @throws SecretError `SECRET_NOT_FOUND`, `VERSION_NOT_FOUND`, `VERSION_MISMATCH`
   */
  activateSecretVersion?(
    name: string,
    version: number,
    options: { readonly expectedVersion?: number | undefined },
    call: ManagerCall,
  ): Awaitable<SecretDescription>;

  /**
   * Brings back the generation deleted last, or the one asked for.
   * @throws SecretError `SECRET_NOT_FOUND`, `SECRET_EXISTS`
   */
  restoreSecret?(
    name: string,
    options: { readonly uid?: string | undefined },
    call: ManagerCall,
  ): Awaitable<SecretDescription>;

  /**
   * Destroys one version or one generation; its bytes are gone afterwards.
   * @throws SecretError `SECRET_NOT_FOUND`, `VERSION_NOT_FOUND`
   */
  destroySecret?(
    name: string,
    target: { readonly version: number } | { readonly uid: string },
    call: ManagerCall,
  ): Awaitable<void>;

  /**
   * Tells of every change after a revision, of those to come when it is undefined, and with `0n` first of all that exists
   * now. Says `synced` once everything up to a revision has been told, at the beginning at the latest; revisions never
   * fall, and are `0n` where none are kept. Ends when `call.signal` aborts.
   * @throws SecretError `REVISION_COMPACTED` when changes after the revision are no longer known
   */
  watchSecrets?(afterRevision: bigint | undefined, call: ManagerCall): AsyncIterable<WatchEvent>;

  /**
   * Drops what the manager keeps of a secret beside the store it is in, on disk too: called when the secret is frozen,
   * and awaited before the freeze is answered. Only for a manager that keeps answers of another.
   */
  forgetSecret?(name: string, call: ManagerCall): Awaitable<void>;

  /** Checks that what the manager needs is there; called once at start. False or a throw refuses to start. */
  validateEnvironment?(): Awaitable<boolean | undefined | void>;

  /** Whether the manager can answer now; called every few seconds. False or a throw is "no". */
  checkHealth?(call: ManagerCall): Awaitable<boolean | undefined | void>;

  /** Releases what the manager holds. Called once, at shutdown. */
  close?(): Awaitable<void>;
}
