import type { ManagerCall } from "../contract/manager-call.js";
import type {
  Awaitable,
  BatchRead,
  BatchReadReply,
  DeleteOptions,
  DeleteReply,
  DescribeReply,
  ListQuery,
  ListReply,
  ReadReply,
  RotateOptions,
  RotateReply,
  SecretManager,
  Supports,
  WatchEvent,
  WriteOptions,
  WriteReply,
} from "../contract/secret-manager.js";
import type { Payload } from "../domain/payload.js";
import type { SecretDescription } from "../domain/secret.js";
import { SecretError } from "../domain/secret-error.js";
import { deleteSecret, destroySecret, restoreSecret } from "./delete-secret.js";
import { listSecrets } from "./list-secrets.js";
import { PayloadCache } from "./payload-cache.js";
import { batchReadSecrets, describeSecret, readSecret, readSecretVersion } from "./read-secret.js";
import { activateSecretVersion, rotateSecret } from "./rotate-secret.js";
import type { SqlDatabase, SqlSession, SqlTransaction } from "./sql-database.js";
import type { SteadyClock } from "./steady-clock.js";
import { StoreMaintenance } from "./store-maintenance.js";
import type { StoreContext } from "./store-context.js";
import type { StoreIdentity } from "./store-identity.js";
import { watchChanges } from "./watch-changes.js";
import { writeSecret } from "./write-secret.js";

/** What a store is made with. */
export interface SecretStoreOptions extends StoreIdentity {
  /** What messages call the store, such as `sqlite`. */
  readonly managerName: string;
  readonly clock: SteadyClock;
  /** The most bytes of opened payloads to keep; 0 for a database that others change too. */
  readonly cacheBytes: number;
  /** How many versions a secret keeps; 100 unless given. */
  readonly maxVersionsPerSecret?: number | undefined;
  /** Told what maintenance did and what it could not do. Texts hold no value and no foreign message. */
  readonly onNote: (note: string) => void;
  /** Released with the store. */
  readonly onClose?: (() => void) | undefined;
}

type Change<T> = (work: readonly [StoreContext, SqlTransaction]) => Awaitable<T>;
type Look<T> = (look: readonly [StoreContext, SqlSession]) => Promise<T>;

/**
 * Secrets in a database: every member of the contract, the same whatever the database. What is acknowledged is durable.
 */
export class SecretStore implements SecretManager {
  readonly managerName: string;
  readonly supports: Supports = { preconditions: true, idempotency: true, expiry: true, gracePeriod: true, sharedReads: true };
  /** Sweeps and wraps keys anew, by itself. */
  readonly maintenance: StoreMaintenance;
  readonly #database: SqlDatabase;
  readonly #context: StoreContext;
  readonly #cache: PayloadCache;
  readonly #onClose: (() => void) | undefined;
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(database: SqlDatabase, options: SecretStoreOptions) {
    const { managerName, storeId, digestKey, cipher, clock, maxVersionsPerSecret = 100 } = options;
    this.managerName = managerName;
    this.#database = database;
    this.#context = { storeId, digestKey, cipher, now: () => clock.now(), maxVersionsPerSecret };
    this.#cache = new PayloadCache(options.cacheBytes);
    this.#onClose = options.onClose;
    this.maintenance = new StoreMaintenance([this.#context, database], { clock, onNote: options.onNote });
  }

  /** {@inheritDoc SecretManager.readSecret} */
  readSecret(name: string): ReadReply | Promise<ReadReply | undefined> {
    return (this.#isOpen() ? this.#cache.get(name, this.#context.now()) : undefined) ?? this.#readThrough(name);
  }

  /** {@inheritDoc SecretManager.readSecretVersion} */
  async readSecretVersion(name: string, version: number): Promise<ReadReply | undefined> {
    return await this.#look((look) => readSecretVersion(look, name, version));
  }

  /** {@inheritDoc SecretManager.batchReadSecrets} */
  async batchReadSecrets(reads: readonly BatchRead[]): Promise<readonly BatchReadReply[]> {
    return await this.#look((look) => batchReadSecrets(look, reads));
  }

  /**
   * {@inheritDoc SecretManager.writeSecret}
   * @throws SecretError `VERSION_MISMATCH`, `SECRET_EXISTS`, `IDEMPOTENCY_CONFLICT`
   */
  // eslint-disable-next-line max-params -- the contract's
  async writeSecret(name: string, value: Payload, options: WriteOptions, call: ManagerCall): Promise<WriteReply> {
    const own = typeof value === "string" ? value : new Uint8Array(value);
    return await this.#change([name], (work) => writeSecret(work, { name, value: own, options }, call));
  }

  /**
   * {@inheritDoc SecretManager.deleteSecret}
   * @throws SecretError `VERSION_MISMATCH`, `IDEMPOTENCY_CONFLICT`
   */
  async deleteSecret(name: string, options: DeleteOptions, call: ManagerCall): Promise<DeleteReply> {
    const reply = await this.#change([name], (work) => deleteSecret(work, { name, options }, call));
    if (options.recoveryWindowInDays === 0 && reply.status === "deleted") await this.#database.purge();
    return reply;
  }

  /** {@inheritDoc SecretManager.rotateSecret} */
  // eslint-disable-next-line max-params -- the contract's
  async rotateSecret(
    currentName: string,
    newName: string,
    value: Payload,
    { gracePeriodMs }: RotateOptions,
    call: ManagerCall,
  ): Promise<RotateReply> {
    const own = typeof value === "string" ? value : new Uint8Array(value);
    const rotation = { currentName, newName, value: own, gracePeriodMs };
    return await this.#change([currentName, newName], (work) => rotateSecret(work, rotation, call));
  }

  /** {@inheritDoc SecretManager.listSecrets} */
  async listSecrets(query: ListQuery): Promise<ListReply> {
    return await this.#look(([{ now }, session]) => listSecrets(session, query, now()));
  }

  /** {@inheritDoc SecretManager.describeSecret} */
  async describeSecret(name: string): Promise<DescribeReply | undefined> {
    return await this.#look((look) => describeSecret(look, name));
  }

  /** {@inheritDoc SecretManager.activateSecretVersion} */
  // eslint-disable-next-line max-params -- the contract's
  async activateSecretVersion(
    name: string,
    version: number,
    { expectedVersion }: { readonly expectedVersion?: number | undefined },
    call: ManagerCall,
  ): Promise<SecretDescription> {
    return await this.#change([name], (work) => activateSecretVersion(work, { name, version, expectedVersion }, call));
  }

  /** {@inheritDoc SecretManager.restoreSecret} */
  async restoreSecret(
    name: string,
    { uid }: { readonly uid?: string | undefined },
    call: ManagerCall,
  ): Promise<SecretDescription> {
    return await this.#change([name], (work) => restoreSecret(work, { name, uid }, call));
  }

  /** {@inheritDoc SecretManager.destroySecret} */
  async destroySecret(
    name: string,
    target: { readonly version: number } | { readonly uid: string },
    call: ManagerCall,
  ): Promise<void> {
    await this.#change([name], (work) => destroySecret(work, { name, target }, call));
    await this.#database.purge();
  }

  /** {@inheritDoc SecretManager.watchSecrets} */
  watchSecrets(afterRevision: bigint | undefined, { signal }: ManagerCall): AsyncIterable<WatchEvent> {
    this.#assertOpen();
    return watchChanges(this.#database, afterRevision, AbortSignal.any([signal, this.#closing.signal]));
  }

  /** {@inheritDoc SecretManager.checkHealth} */
  async checkHealth(): Promise<boolean> {
    return this.#isOpen() && (await this.#database.isHealthy());
  }

  /** Finishes what is under way and closes the database; later calls throw `MANAGER_UNAVAILABLE`. */
  async close(): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    this.#cache.clear();
    await this.maintenance.stop();
    await this.#database.close();
    this.#context.digestKey.fill(0);
    this.#onClose?.();
  }

  async #readThrough(name: string): Promise<ReadReply | undefined> {
    const { epoch } = this.#cache;
    const reply = await this.#look((look) => readSecret(look, name));
    if (reply === undefined) return undefined;
    const frozen = Object.freeze(reply);
    this.#cache.put(name, frozen, epoch);
    return frozen;
  }

  async #look<T>(look: Look<T>): Promise<T> {
    this.#assertOpen();
    return await this.#database.read((session) => look([this.#context, session]));
  }

  /** The cache forgets before the caller hears that the change is made, and also when it is unknown whether it is. */
  async #change<T>(names: readonly string[], change: Change<T>): Promise<T> {
    this.#assertOpen();
    try {
      return await this.#database.transact((transaction) => change([this.#context, transaction]));
    } finally {
      this.#cache.forget(names);
    }
  }

  #isOpen(): boolean {
    return this.#closed === undefined;
  }

  #assertOpen(): void {
    if (!this.#isOpen()) throw new SecretError("MANAGER_UNAVAILABLE", `the ${this.managerName} store is closed`);
  }
}
