import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import {
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceError,
  status,
  StatusBuilder,
} from "@grpc/grpc-js";
import {
  type DecryptRequest,
  type DecryptResponse,
  type EncryptRequest,
  type EncryptResponse,
  KeyManagementServiceService,
  type StatusResponse,
} from "../../src/gen/kubernetes/kms/v2/api.js";

const nonceName = "nonce.plugin.test";

/** A key management plug-in with AES-256-GCM, as a program of another maker would be: a server on a Unix socket. */
export class KmsPlugin {
  readonly socket: string;
  readonly keys: Map<string, Buffer> = new Map<string, Buffer>();
  /** What it was asked, in order. */
  readonly asked: string[] = [];
  /** What it says of itself. */
  state: Omit<StatusResponse, "keyId"> = { version: "v2", healthz: "ok" };
  keyId = "";
  /** Statuses to answer the next calls with. */
  readonly failures: status[] = [];
  /** Whether calls stay without an answer. */
  hangs = false;
  /** Replaces answers of Encrypt. */
  encrypted: (answer: EncryptResponse) => EncryptResponse = (answer) => answer;
  #server: Server | undefined;

  constructor(socket: string) {
    this.socket = socket;
    this.rotate();
  }

  rotate(): string {
    this.keyId = `plugin-key-${String(this.keys.size + 1)}`;
    this.keys.set(this.keyId, randomBytes(32));
    return this.keyId;
  }

  async start(): Promise<void> {
    const server = new Server();
    this.#server = server;
    server.addService(KeyManagementServiceService, {
      status: this.#handler("status", () => ({ ...this.state, keyId: this.keyId })),
      encrypt: this.#handler("encrypt", (request: EncryptRequest) => this.encrypted(this.#encrypt(request))),
      decrypt: this.#handler("decrypt", (request: DecryptRequest) => this.#decrypt(request)),
    });
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(`unix:${this.socket}`, ServerCredentials.createInsecure(), (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  stop(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }

  #handler<Request, Response>(
    name: string,
    answer: (request: Request) => Response,
  ): handleUnaryCall<Request, Response> {
    return ({ request }, done) => {
      this.asked.push(name);
      if (this.hangs) return;
      const failure = this.failures.shift();
      try {
        if (failure !== undefined) throw refusal(failure);
        done(null, answer(request));
      } catch (error) {
        done(isRefusal(error) ? error : refusal(status.UNKNOWN));
      }
    };
  }

  #encrypt({ plaintext }: EncryptRequest): EncryptResponse {
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", this.#key(this.keyId), nonce);
    const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    return { ciphertext, keyId: this.keyId, annotations: new Map([[nonceName, nonce]]) };
  }

  #decrypt({ ciphertext, keyId, annotations }: DecryptRequest): DecryptResponse {
    const nonce = annotations.get(nonceName);
    if (nonce === undefined) throw refusal(status.INVALID_ARGUMENT);
    const decipher = createDecipheriv("aes-256-gcm", this.#key(keyId), nonce).setAuthTag(ciphertext.subarray(-16));
    const plaintext = decipher.update(ciphertext.subarray(0, -16));
    try {
      decipher.final();
    } catch {
      throw refusal(status.INVALID_ARGUMENT);
    }
    return { plaintext };
  }

  #key(keyId: string): Buffer {
    const key = this.keys.get(keyId);
    if (key === undefined) throw refusal(status.NOT_FOUND);
    return key;
  }
}

function refusal(code: status): Partial<ServiceError> & Error {
  const details = "the plug-in's own words: plaintext-canary";
  const built = new StatusBuilder().withCode(code).withDetails(details).withMetadata(new Metadata()).build();
  return Object.assign(new Error(details), built);
}

function isRefusal(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error;
}
