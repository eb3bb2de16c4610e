import { randomUUID } from "node:crypto";
import { type ChannelOptions, Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { SecretError } from "../domain/secret-error.js";
import {
  type EncryptResponse,
  KeyManagementServiceService as methods,
  type StatusResponse,
} from "../gen/kubernetes/kms/v2/api.js";
import type { KmsSealedKey } from "./kms-envelope.js";
import { missingKey } from "./missing-key.js";

interface Method<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** How long the service may take for each attempt. */
const deadlineMs = 3_000;

/** The interface bounds answers to 32 kB of annotations and 1 kB for each of the rest. */
const maxReceiveBytes = 64 * 1024;

const channelOptions: ChannelOptions = {
  "grpc.max_receive_message_length": maxReceiveBytes,
  "grpc.enable_channelz": 0,
  "grpc.enable_http_proxy": 0,
  "grpc.service_config_disable_resolution": 1,
  // A plug-in that restarts is back within moments.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  "grpc.use_local_subchannel_pool": 1,
};

/** Speaks to a key management plug-in, and says its failures in our words. */
export class KmsClient {
  readonly #client: Client;
  readonly #description: string;

  /** Connects with the first call. Must be closed. */
  constructor(socket: string, description: string) {
    this.#client = new Client(`unix:${socket}`, credentials.createInsecure(), channelOptions);
    this.#description = description;
  }

  /** @throws SecretError `MANAGER_UNAVAILABLE` */
  async status(): Promise<StatusResponse> {
    return await this.#call(methods.status, {}).catch((error: unknown) => {
      throw this.#failure(error, "tell its state");
    });
  }

  /** @throws SecretError `MANAGER_UNAVAILABLE` */
  async encrypt(plaintext: Uint8Array): Promise<EncryptResponse> {
    const request = { plaintext: bufferOf(plaintext), uid: randomUUID() };
    return await this.#call(methods.encrypt, request).catch((error: unknown) => {
      throw this.#failure(error, "encrypt");
    });
  }

  /** @throws SecretError `PAYLOAD_CORRUPT` when the service says so, `MANAGER_UNAVAILABLE` otherwise */
  async decrypt({ keyId, ciphertext, annotations }: KmsSealedKey): Promise<Uint8Array> {
    const request = {
      ciphertext: bufferOf(ciphertext),
      keyId,
      annotations: new Map([...annotations].map(([name, value]) => [name, bufferOf(value)])),
      uid: randomUUID(),
    };
    const { plaintext } = await this.#call(methods.decrypt, request).catch((error: unknown) => {
      throw this.#decryptFailure(error, keyId);
    });
    return plaintext;
  }

  close(): void {
    this.#client.close();
  }

  /** Once more where nobody was there: a plug-in is replaced by removing its socket and making another. */
  async #call<Request, Response>(method: Method<Request, Response>, request: Request): Promise<Response> {
    try {
      return await this.#attempt(method, request, new Metadata());
    } catch (error) {
      if (codeOf(error) !== status.UNAVAILABLE) throw error;
      return await this.#attempt(method, request, new Metadata({ waitForReady: true })).catch((second: unknown) => {
        // It waited for somebody to be there.
        throw codeOf(second) === status.DEADLINE_EXCEEDED ? error : second;
      });
    }
  }

  #attempt<Request, Response>(
    { path, requestSerialize, responseDeserialize }: Method<Request, Response>,
    request: Request,
    metadata: Metadata,
  ): Promise<Response> {
    const attempt = Promise.withResolvers<Response>();
    const finish = (error: ServiceError | null, response?: Response): void => {
      if (error === null && response !== undefined) attempt.resolve(response);
      else attempt.reject(error ?? new Error("no answer"));
    };
    const options = { deadline: Date.now() + deadlineMs };
    this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, options, finish);
    return attempt.promise;
  }

  #decryptFailure(error: unknown, keyId: string): SecretError {
    switch (codeOf(error)) {
      case status.INVALID_ARGUMENT:
      case status.DATA_LOSS:
        return new SecretError("PAYLOAD_CORRUPT", "stored bytes do not verify", { cause: error });
      case status.NOT_FOUND:
        return missingKey(keyId, error);
      default:
        return this.#failure(error, `decrypt with the key "${keyId}"`);
    }
  }

  #failure(error: unknown, task: string): SecretError {
    return new SecretError("MANAGER_UNAVAILABLE", `${this.#description} ${predicateOf(codeOf(error), task)}`, {
      cause: error,
    });
  }
}

function predicateOf(code: status | undefined, task: string): string {
  switch (code) {
    case status.UNAVAILABLE:
      return "could not be reached";
    case status.DEADLINE_EXCEEDED:
      return `did not answer within ${String(deadlineMs / 1_000)} seconds`;
    default:
      return `did not ${task} (${code === undefined ? "no status" : status[code]})`;
  }
}

function codeOf(error: unknown): status | undefined {
  const code: unknown = error instanceof Error && "code" in error ? error.code : undefined;
  return isStatus(code) ? code : undefined;
}

function isStatus(code: unknown): code is status {
  return typeof code === "number" && code in status;
}

/** The same bytes, not a copy that nobody overwrites. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
