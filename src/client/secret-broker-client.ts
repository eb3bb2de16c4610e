import type { SecretDescription, VersionDescription } from "../domain/secret.js";
import type { ActivateRequest } from "./activate-version.js";
import { AdministrationClient } from "./administration-client.js";
import type { BatchReadRequest, BatchReadResult } from "./batch-read-secrets.js";
import { parseBrokerAddresses } from "./broker-address.js";
import { type CallOptions, checkTimeoutMs, defaultTimeoutMs } from "./call-options.js";
import { BrokerCaller, checkHedgeAfterMs } from "./calls/broker-caller.js";
import { RetryPolicy } from "./calls/retry-policy.js";
import type { ClientOptions } from "./client-options.js";
import { BrokerConnections } from "./connection/broker-connections.js";
import { readCredential } from "./connection/credential-source.js";
import { TlsMaterial } from "./connection/tls-material.js";
import type { DeleteAnswer, DeleteRequest } from "./delete-secret.js";
import type { DescribeAnswer, DescribeRequest } from "./describe-secret.js";
import type { DestroyRequest } from "./destroy-secret.js";
import type { ListAnswer, ListRequest } from "./list-secrets.js";
import type { ReadAnswer, ReadRequest } from "./read-secret.js";
import type { RestoreRequest } from "./restore-secret.js";
import type { RotateAnswer, RotateRequest } from "./rotate-secret.js";
import { secretRpcs } from "./rpcs/secret-rpcs.js";
import { virtualKeyRpcs } from "./rpcs/virtual-key-rpcs.js";
import { type SyncCallOptions, SyncReader } from "./sync/sync-reader.js";
import type { DeleteKeyResult, DeleteKeysRequest, RotateKeyRequest, StoreKeyRequest } from "./virtual-keys.js";
import { SecretWatch, type WatchOptions } from "./watch/secret-watch.js";
import type { WriteRequest } from "./write-secret.js";

/**
 * A client of a secret broker, or of several that serve the same secrets.
 *
 * Connects with the first call and reconnects by itself; safe for concurrent calls; must be closed. Every method
 * rejects with a {@link SecretError}: the broker's own failure, `MANAGER_UNAVAILABLE` when it cannot be reached,
 * `MANAGER_TIMEOUT` when it does not answer in time, `CALL_CANCELLED` when the call was cancelled or the client
 * is closed. A change without an `idempotencyId` is sent once; everything else may be tried again within its time.
 */
export class SecretBrokerClient {
  /** Shows and steers the broker. */
  readonly administration: AdministrationClient;
  readonly #caller: BrokerCaller;
  readonly #connections: BrokerConnections;
  readonly #sync: SyncReader;

  /**
   * @param address `host:port` or `unix:PATH`; several in the order they are tried. Without `tls` on this machine only.
   * @throws SecretError `FIELD_INVALID` for an address or an option that is not valid
   */
  constructor(address: string | readonly string[], options: ClientOptions = {}) {
    const { timeoutMs = defaultTimeoutMs, token, tls, retry = {}, hedgeAfterMs } = options;
    const addresses = parseBrokerAddresses(address, tls !== undefined);
    const material = tls && new TlsMaterial(tls === true ? {} : tls);
    const parts = {
      token: readCredential<string | undefined>(token, "token"),
      timeoutMs: checkTimeoutMs(timeoutMs),
      retries: new RetryPolicy(retry, Math.random),
      hedgeAfterMs: checkHedgeAfterMs(hedgeAfterMs),
    };
    this.#connections = new BrokerConnections(addresses, material);
    this.#caller = new BrokerCaller({ ...parts, connections: this.#connections });
    const texts = addresses.map(({ text }) => text);
    this.#sync = new SyncReader(texts, { timeoutMs, token, tls, retry, hedgeAfterMs });
    this.administration = new AdministrationClient(this.#caller);
  }

  /** Reads one version of one secret, the active one unless another is asked for. */
  readSecret(request: ReadRequest, call?: CallOptions): Promise<ReadAnswer> {
    return this.#caller.call(secretRpcs.readSecret, request, call);
  }

  /**
   * Reads one secret while the calling thread waits; another thread asks the broker. For the few places where nothing
   * can be awaited: everything else in this thread waits as well.
   * @throws SecretError
   */
  readSecretSync(request: ReadRequest, call: SyncCallOptions = {}): ReadAnswer {
    this.#caller.assertOpen();
    return this.#sync.read(request, call);
  }

  /** Reads up to 1,000 secrets; each has its own result, in the order of the reads. */
  batchReadSecrets(request: BatchReadRequest, call?: CallOptions): Promise<BatchReadResult[]> {
    return this.#caller.call(secretRpcs.batchReadSecrets, request, call);
  }

  /** Lists a page of secrets, without payloads. */
  listSecrets(request: ListRequest = {}, call?: CallOptions): Promise<ListAnswer> {
    return this.#caller.call(secretRpcs.listSecrets, request, call);
  }

  /** Describes one secret and its versions, without payloads. */
  describeSecret(request: DescribeRequest, call?: CallOptions): Promise<DescribeAnswer> {
    return this.#caller.call(secretRpcs.describeSecret, request, call);
  }

  /** Writes a new version and, unless told otherwise, makes it the active one. */
  writeSecret(request: WriteRequest, call?: CallOptions): Promise<VersionDescription> {
    return this.#caller.call(secretRpcs.writeSecret, request, call);
  }

  /** Makes an existing version the active one: promotes it, or rolls back to it. */
  activateSecretVersion(request: ActivateRequest, call?: CallOptions): Promise<SecretDescription> {
    return this.#caller.call(secretRpcs.activateSecretVersion, request, call);
  }

  /** Deletes a secret; an absent name is a result unless it must exist. */
  deleteSecret(request: DeleteRequest, call?: CallOptions): Promise<DeleteAnswer> {
    return this.#caller.call(secretRpcs.deleteSecret, request, call);
  }

  /** Brings a deleted secret back within its recovery window. */
  restoreSecret(request: RestoreRequest, call?: CallOptions): Promise<SecretDescription> {
    return this.#caller.call(secretRpcs.restoreSecret, request, call);
  }

  /** Destroys a version or a generation irreversibly. */
  destroySecret(request: DestroyRequest, call?: CallOptions): Promise<void> {
    return this.#caller.call(secretRpcs.destroySecret, request, call);
  }

  /** Replaces a payload, under the same name or a new one. */
  rotateSecret(request: RotateRequest, call?: CallOptions): Promise<RotateAnswer> {
    return this.#caller.call(secretRpcs.rotateSecret, request, call);
  }

  /** Opens a stream that tells of every change; it connects when it is iterated over. */
  watchSecrets(options: WatchOptions = {}): SecretWatch {
    return new SecretWatch({ caller: this.#caller, connections: this.#connections }, options);
  }

  /** Stores a virtual key under its alias. */
  storeVirtualKey(request: StoreKeyRequest, call?: CallOptions): Promise<VersionDescription> {
    return this.#caller.call(virtualKeyRpcs.storeVirtualKey, request, call);
  }

  /** Replaces a virtual key, under the same alias or a new one. */
  rotateVirtualKey(request: RotateKeyRequest, call?: CallOptions): Promise<VersionDescription> {
    return this.#caller.call(virtualKeyRpcs.rotateVirtualKey, request, call);
  }

  /** Deletes virtual keys; each has its own result, in the order of the aliases. */
  deleteVirtualKeys(request: DeleteKeysRequest, call?: CallOptions): Promise<DeleteKeyResult[]> {
    return this.#caller.call(virtualKeyRpcs.deleteVirtualKeys, request, call);
  }

  /**
   * Takes no more calls, ends its watches, and ends the connections when calls under way have ended; one that was not
   * sent yet is cancelled. Idempotent.
   */
  close(): void {
    this.#caller.close();
    this.#sync.close();
    this.#connections.close();
  }
}
