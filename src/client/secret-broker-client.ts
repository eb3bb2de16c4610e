import type { Client } from "@grpc/grpc-js";
import type { VersionDescription } from "../domain/secret.js";
import { SecretError } from "../domain/secret-error.js";
import { SecretBrokerService as secrets } from "../gen/secretbroker/v1/secret_broker.js";
import { VirtualKeyBrokerService as virtualKeys } from "../gen/secretbroker/v1/virtual_key_broker.js";
import {
  type BatchReadRequest,
  type BatchReadResult,
  decodeBatchReadAnswer,
  encodeBatchReadRequest,
} from "./batch-read-secrets.js";
import { parseBrokerAddress } from "./broker-address.js";
import { type CallOptions, checkTimeoutMs, defaultTimeoutMs } from "./call-options.js";
import { connectClient } from "./connect-client.js";
import { decodeVersion } from "./decode-secret.js";
import { decodeDeleteAnswer, type DeleteAnswer, type DeleteRequest, encodeDeleteRequest } from "./delete-secret.js";
import {
  decodeDescribeAnswer,
  type DescribeAnswer,
  type DescribeRequest,
  encodeDescribeRequest,
} from "./describe-secret.js";
import { decodeListAnswer, encodeListRequest, type ListAnswer, type ListRequest } from "./list-secrets.js";
import { decodeReadAnswer, encodeReadRequest, type ReadAnswer, type ReadRequest } from "./read-secret.js";
import { decodeRotateAnswer, encodeRotateRequest, type RotateAnswer, type RotateRequest } from "./rotate-secret.js";
import { type CallDefaults, unaryCall, type UnaryMethod } from "./unary-call.js";
import {
  decodeDeleteKeysAnswer,
  type DeleteKeyResult,
  type DeleteKeysRequest,
  encodeDeleteKeysRequest,
  encodeRotateKeyRequest,
  encodeStoreKeyRequest,
  type RotateKeyRequest,
  type StoreKeyRequest,
} from "./virtual-keys.js";
import { encodeWriteRequest, type WriteRequest } from "./write-secret.js";

/** How a client makes its calls. */
export interface ClientOptions {
  /** How long a call may take unless it says otherwise, in milliseconds; 10,000 unless given. */
  readonly timeoutMs?: number | undefined;
  /** A bearer token that proves who calls, or what gives it, asked on each call. */
  readonly token?: string | (() => string | undefined) | undefined;
}

/**
 * A client of a secret broker.
 *
 * Connects with the first call and reconnects by itself; safe for concurrent calls; must be closed. Every method
 * rejects with a {@link SecretError}: the broker's own failure, `MANAGER_UNAVAILABLE` when it cannot be reached,
 * `MANAGER_TIMEOUT` when it does not answer in time, `CALL_CANCELLED` when the call was cancelled or the client
 * is closed.
 */
export class SecretBrokerClient {
  readonly #client: Client;
  readonly #defaults: CallDefaults;
  #closed = false;

  /**
   * @param address `host:port` or `unix:PATH`, on this machine
   * @throws SecretError `FIELD_INVALID` for an address or a timeout that is not valid
   */
  constructor(address: string, options: ClientOptions = {}) {
    const parsed = parseBrokerAddress(address);
    const { timeoutMs = defaultTimeoutMs, token } = options;
    this.#defaults = {
      address: parsed.text,
      timeoutMs: checkTimeoutMs(timeoutMs),
      token: typeof token === "function" ? token : (): string | undefined => token,
    };
    this.#client = connectClient(parsed);
  }

  /** Reads one version of one secret, the active one unless another is asked for. */
  async readSecret(request: ReadRequest, call?: CallOptions): Promise<ReadAnswer> {
    const message = encodeReadRequest(request);
    const response = await this.#call(secrets.readSecret, message, call);
    return decodeReadAnswer(response, request.name);
  }

  /** Reads up to 1,000 secrets; each has its own result, in the order of the reads. */
  async batchReadSecrets(request: BatchReadRequest, call?: CallOptions): Promise<BatchReadResult[]> {
    const message = encodeBatchReadRequest(request);
    const response = await this.#call(secrets.batchReadSecrets, message, call);
    return decodeBatchReadAnswer(response, request.reads);
  }

  /** Lists a page of secrets, without payloads. */
  async listSecrets(request: ListRequest = {}, call?: CallOptions): Promise<ListAnswer> {
    const message = encodeListRequest(request);
    return decodeListAnswer(await this.#call(secrets.listSecrets, message, call));
  }

  /** Describes one secret and its versions, without payloads. */
  async describeSecret(request: DescribeRequest, call?: CallOptions): Promise<DescribeAnswer> {
    const message = encodeDescribeRequest(request);
    const response = await this.#call(secrets.describeSecret, message, call);
    return decodeDescribeAnswer(response, request.name);
  }

  /** Writes a new version and, unless told otherwise, makes it the active one. */
  async writeSecret(request: WriteRequest, call?: CallOptions): Promise<VersionDescription> {
    const message = encodeWriteRequest(request);
    const response = await this.#call(secrets.writeSecret, message, call);
    return decodeVersion(response.version);
  }

  /** Deletes a secret; an absent name is a result unless it must exist. */
  async deleteSecret(request: DeleteRequest, call?: CallOptions): Promise<DeleteAnswer> {
    const message = encodeDeleteRequest(request);
    return decodeDeleteAnswer(await this.#call(secrets.deleteSecret, message, call));
  }

  /** Replaces a payload, under the same name or a new one. */
  async rotateSecret(request: RotateRequest, call?: CallOptions): Promise<RotateAnswer> {
    const message = encodeRotateRequest(request);
    return decodeRotateAnswer(await this.#call(secrets.rotateSecret, message, call));
  }

  /** Stores a virtual key under its alias. */
  async storeVirtualKey(request: StoreKeyRequest, call?: CallOptions): Promise<VersionDescription> {
    const message = encodeStoreKeyRequest(request);
    const response = await this.#call(virtualKeys.storeVirtualKey, message, call);
    return decodeVersion(response.version);
  }

  /** Replaces a virtual key, under the same alias or a new one. */
  async rotateVirtualKey(request: RotateKeyRequest, call?: CallOptions): Promise<VersionDescription> {
    const message = encodeRotateKeyRequest(request);
    const response = await this.#call(virtualKeys.rotateVirtualKey, message, call);
    return decodeVersion(response.version);
  }

  /** Deletes virtual keys; each has its own result, in the order of the aliases. */
  async deleteVirtualKeys(request: DeleteKeysRequest, call?: CallOptions): Promise<DeleteKeyResult[]> {
    const message = encodeDeleteKeysRequest(request);
    const response = await this.#call(virtualKeys.deleteVirtualKeys, message, call);
    return decodeDeleteKeysAnswer(response, request.aliases);
  }

  /** Takes no more calls, and ends the connection when those that are running have ended. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#client.close();
  }

  async #call<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    options: CallOptions = {},
  ): Promise<Response> {
    if (this.#closed) throw new SecretError("CALL_CANCELLED", "the client is closed");
    return unaryCall({ client: this.#client, method, request }, this.#defaults, options);
  }
}
