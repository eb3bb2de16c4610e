import {
  type ChannelCredentials,
  Client,
  credentials,
  Metadata,
  type ServiceDefinition,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { ErrorInfo } from "../../src/gen/google/rpc/error_details.js";
import { Status } from "../../src/gen/google/rpc/status.js";
import { HealthService } from "../../src/gen/grpc/health/v1/health.js";
import { ServerReflectionService } from "../../src/gen/grpc/reflection/v1/reflection.js";
import { ServerReflectionService as ServerReflectionServiceAlpha } from "../../src/gen/grpc/reflection/v1alpha/reflection.js";
import { AdministrationBrokerService } from "../../src/gen/secretbroker/v1/administration_broker.js";
import { SecretBrokerService } from "../../src/gen/secretbroker/v1/secret_broker.js";
import { VirtualKeyBrokerService } from "../../src/gen/secretbroker/v1/virtual_key_broker.js";

/** What a call ended with. */
export interface Outcome {
  readonly code: string;
  /** Our reason; undefined for a success. */
  readonly reason: string | undefined;
  readonly response: unknown;
  readonly error: ServiceError | undefined;
}

/** Every RPC of ours by its name, as the generated code defines it. */
export const rpcs: ReadonlyMap<string, ServiceDefinition[string]> = new Map(
  [SecretBrokerService, VirtualKeyBrokerService, AdministrationBrokerService].flatMap((service: ServiceDefinition) =>
    Object.values(service).map((method) => [method.path.split("/")[2] ?? "", method] as const),
  ),
);

/** Every RPC of health and reflection by its full name, which two versions share the rest of. */
export const standingRpcs: ReadonlyMap<string, ServiceDefinition[string]> = new Map(
  [HealthService, ServerReflectionService, ServerReflectionServiceAlpha].flatMap((service: ServiceDefinition) =>
    Object.values(service).map((method) => [method.path.slice(1), method] as const),
  ),
);

/** Calls RPCs by name, with requests that hold only what matters. */
export class RpcCaller {
  readonly #client: Client;

  constructor(address: string, channel: ChannelCredentials = credentials.createInsecure()) {
    // A connection of its own: callers must not share one.
    this.#client = new Client(address, channel, { "grpc.use_local_subchannel_pool": 1 });
  }

  /** Calls one; `bytes` sends something else than the request type. */
  call(name: string, request: object = {}, metadata: Metadata = new Metadata()): Promise<Outcome> {
    const method = rpcs.get(name) ?? standingRpcs.get(name);
    if (method === undefined) throw new TypeError(`no RPC ${name}`);
    const full = { tags: new Map(), reads: [], aliases: [], ...defaults, ...request };
    const serialize = (): Buffer =>
      request instanceof Uint8Array ? Buffer.from(request) : method.requestSerialize(full);
    return new Promise((resolve) => {
      const done = (error: ServiceError | null, response?: unknown): void => {
        resolve(outcomeOf(error ?? undefined, response));
      };
      const { path, responseDeserialize, requestStream, responseStream } = method;
      if (!responseStream) {
        this.#client.makeUnaryRequest(path, serialize, responseDeserialize, full, metadata, done);
        return;
      }
      const written =
        requestStream && this.#client.makeBidiStreamRequest(path, serialize, responseDeserialize, metadata);
      const stream =
        written || this.#client.makeServerStreamRequest(path, serialize, responseDeserialize, full, metadata);
      stream.on("error", (error: ServiceError) => {
        done(error);
      });
      stream.on("data", (message: unknown) => {
        done(null, message);
      });
      if (written) written.write(full);
    });
  }

  /** Begins a watch and tells the reason it ends with. */
  watch(request: object, metadata: Metadata): Promise<string | undefined> {
    const { path, requestSerialize, responseDeserialize } = SecretBrokerService.watchSecrets;
    const serialize = requestSerialize as (value: object) => Buffer;
    const stream = this.#client.makeBidiStreamRequest(path, serialize, responseDeserialize, metadata);
    stream.on("data", () => undefined);
    stream.write(request);
    return new Promise((resolve) => {
      stream.on("error", (error: ServiceError) => {
        resolve(infoOf(error)?.reason);
      });
    });
  }

  close(): void {
    this.#client.close();
  }
}

/** What the generated encoders want to be there. */
const defaults = {
  name: "",
  field: "",
  prefix: "",
  pageSize: 0,
  pageToken: "",
  showDeleted: false,
  atomic: false,
  requestId: "",
  mustExist: false,
  version: undefined,
  newName: "",
  uid: "",
  alias: "",
  newAlias: "",
  key: "",
  teamId: "",
  principal: "",
  fromTime: undefined,
  cause: "",
};

function outcomeOf(error: ServiceError | undefined, response: unknown): Outcome {
  if (error === undefined) return { code: "OK", reason: undefined, response, error };
  return { code: status[error.code], reason: infoOf(error)?.reason, response: undefined, error };
}

/** The ErrorInfo of a failed call, where it has one. */
export function infoOf(error: ServiceError): ErrorInfo | undefined {
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  if (!Buffer.isBuffer(bytes)) return undefined;
  const [first] = Status.decode(bytes).details;
  return first && ErrorInfo.decode(first.value);
}
