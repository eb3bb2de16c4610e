import type { ManagerCall } from "../../contract/manager-call.js";
import type {
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
  WriteOptions,
  WriteReply,
} from "../../contract/secret-manager.js";
import type { Payload } from "../../domain/payload.js";
import { SecretError } from "../../domain/secret-error.js";
import type { SecretDescription } from "../../domain/secret.js";
import { AnsweredRequests, deleteRequest, writeRequest } from "./answered-requests.js";
import { listMemory } from "./list-memory.js";
import { MemoryGeneration, type MemoryRules } from "./memory-generation.js";
import { checkActiveVersion, checkWriteExpectation, secretExists } from "./memory-preconditions.js";
import { SortedNames } from "./sorted-names.js";

/**
 * Keeps secrets in this process, with versions, preconditions, idempotency and expiry; they are gone with the process.
 *
 * Every member answers without a promise, so each call is atomic. A read of text hands out the same frozen reply each
 * time, whose dates must not be changed; bytes are copied in and out. A deletion is final. Of one secret the newest 100
 * versions are kept, unless told otherwise. A version written with `activate: false` under a new name leaves the name
 * unreadable until it is activated.
 */
export class MemorySecretManager implements SecretManager {
  readonly managerName: string = "memory";
  readonly supports: Supports = { preconditions: true, idempotency: true, expiry: true, sharedReads: true };
  readonly #rules: MemoryRules;
  // name → its living generation
  readonly #secrets = new Map<string, MemoryGeneration>();
  readonly #names = new SortedNames();
  readonly #requests = new AnsweredRequests();
  #closed = false;

  /** @param rules the clock, the system's unless given, and how many versions a secret keeps. */
  constructor(rules: Partial<MemoryRules> = {}) {
    const { now = Date.now, maxVersionsPerSecret = 100 } = rules;
    if (maxVersionsPerSecret < 1) throw new TypeError("maxVersionsPerSecret must be at least 1");
    this.#rules = { now, maxVersionsPerSecret };
  }

  /** {@inheritDoc SecretManager.readSecret} */
  readSecret(name: string): ReadReply | undefined {
    if (this.#closed) throw closedError();
    return this.#secrets.get(name)?.active?.read(this.#rules.now);
  }

  /** {@inheritDoc SecretManager.readSecretSync} */
  readSecretSync(name: string): ReadReply | undefined {
    return this.readSecret(name);
  }

  /** {@inheritDoc SecretManager.readSecretVersion} */
  readSecretVersion(name: string, version: number): ReadReply | undefined {
    return this.#find(name)?.version(version)?.read(this.#rules.now);
  }

  /** {@inheritDoc SecretManager.batchReadSecrets} */
  batchReadSecrets(reads: readonly BatchRead[]): readonly BatchReadReply[] {
    return reads.map(({ name, version }) => ({
      reply: version === undefined ? this.readSecret(name) : this.readSecretVersion(name, version),
    }));
  }

  /**
   * {@inheritDoc SecretManager.writeSecret}
   * @throws SecretError `VERSION_MISMATCH`, `SECRET_EXISTS`, `IDEMPOTENCY_CONFLICT`
   */
  // eslint-disable-next-line max-params -- the contract's
  writeSecret(name: string, value: Payload, options: WriteOptions, call: ManagerCall): WriteReply {
    const found = this.#find(name);
    const request = writeRequest({ name, value, principal: call.principal }, options);
    const earlier = this.#requests.recall(request)?.write;
    if (earlier !== undefined) return earlier;
    checkWriteExpectation(name, options.expectedVersion, found);
    const { description, tags, expireTime, activate } = options;
    const change = { value, description, tags, expireTime, activate, principal: call.principal };
    const write = (found ?? this.#create(name)).add(change);
    this.#requests.remember(request, { write });
    return write;
  }

  /**
   * {@inheritDoc SecretManager.deleteSecret}
   * @throws SecretError `VERSION_MISMATCH`, `IDEMPOTENCY_CONFLICT`
   */
  deleteSecret(name: string, options: DeleteOptions, call: ManagerCall): DeleteReply {
    const found = this.#find(name);
    const request = deleteRequest({ name, principal: call.principal }, options);
    const earlier = this.#requests.recall(request)?.delete;
    if (earlier !== undefined) return earlier;
    const reply = found === undefined ? notFound : this.#deleteFound(name, found, options.expectedVersion);
    this.#requests.remember(request, { delete: reply });
    return reply;
  }

  /** {@inheritDoc SecretManager.rotateSecret} */
  // eslint-disable-next-line max-params -- the contract's
  rotateSecret(
    currentName: string,
    newName: string,
    value: Payload,
    _options: RotateOptions,
    { principal }: ManagerCall,
  ): RotateReply {
    const current = this.#find(currentName);
    if (current === undefined) throw SecretError.notFound(currentName);
    const change = { value, principal };
    if (newName === currentName) return current.add(change);
    const occupant = this.#find(newName);
    if (occupant !== undefined) throw secretExists(newName, occupant);
    const { description, tags } = current;
    const reply = this.#create(newName).add({ ...change, description, tags });
    this.#deleteFound(currentName, current);
    return reply;
  }

  /** {@inheritDoc SecretManager.listSecrets} */
  listSecrets(query: ListQuery): ListReply {
    this.#refuseWhenClosed();
    return listMemory(query, this.#names, this.#secrets);
  }

  /** {@inheritDoc SecretManager.describeSecret} */
  describeSecret(name: string): DescribeReply | undefined {
    return this.#find(name)?.describeWithVersions(name);
  }

  /** {@inheritDoc SecretManager.activateSecretVersion} */
  // eslint-disable-next-line max-params -- the contract's
  activateSecretVersion(
    name: string,
    version: number,
    options: { readonly expectedVersion?: number | undefined },
    call: ManagerCall,
  ): SecretDescription {
    const found = this.#find(name);
    if (found === undefined) throw SecretError.notFound(name);
    checkActiveVersion(name, options.expectedVersion, found);
    const chosen = found.version(version);
    if (chosen === undefined || chosen.isExpired(this.#rules.now)) throw SecretError.versionNotFound(name, version);
    found.activate(chosen, call.principal);
    return found.describe(name);
  }

  /** {@inheritDoc SecretManager.checkHealth} */
  checkHealth(): boolean {
    this.#refuseWhenClosed();
    return true;
  }

  /** Forgets everything, binary payloads overwritten with zeroes; later calls throw `MANAGER_UNAVAILABLE`. */
  close(): void {
    this.#closed = true;
    for (const generation of this.#secrets.values()) generation.zero();
    this.#secrets.clear();
    this.#names.clear();
    this.#requests.clear();
  }

  #find(name: string): MemoryGeneration | undefined {
    this.#refuseWhenClosed();
    return this.#secrets.get(name);
  }

  #create(name: string): MemoryGeneration {
    const generation = new MemoryGeneration(this.#rules);
    this.#secrets.set(name, generation);
    this.#names.add(name);
    return generation;
  }

  #deleteFound(name: string, found: MemoryGeneration, expectedVersion?: number): DeleteReply {
    checkActiveVersion(name, expectedVersion, found);
    this.#secrets.delete(name);
    this.#names.delete(name);
    found.zero();
    return Object.freeze({ status: "deleted", uid: found.uid });
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw closedError();
  }
}

const notFound: DeleteReply = Object.freeze({ status: "not_found" });

function closedError(): SecretError {
  return new SecretError("MANAGER_UNAVAILABLE", "the memory manager is closed");
}
