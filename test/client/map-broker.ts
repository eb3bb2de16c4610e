import { type handleUnaryCall, type Metadata, Server, ServerCredentials } from "@grpc/grpc-js";
import { isSecretError, SecretError } from "../../src/domain/secret-error.js";
import { Secret, SecretMetadata, SecretVersion, ServedFrom } from "../../src/gen/secretbroker/v1/secret.js";
import {
  type BatchReadSecretsResult,
  DeleteSecretResponse,
  DeleteStatus,
  type DescribeSecretRequest,
  DescribeSecretResponse,
  ListSecretsResponse,
  type ReadSecretRequest,
  ReadSecretResponse,
  SecretBrokerService,
  type WriteSecretResponse,
} from "../../src/gen/secretbroker/v1/secret_broker.js";
import {
  type DeleteVirtualKeysResult,
  VirtualKeyBrokerService,
} from "../../src/gen/secretbroker/v1/virtual_key_broker.js";
import { encodeStatus, toSecretError, toWireError } from "../../src/rpc/encode-status.js";
import { durationFromMs, timestampFromDate } from "../../src/rpc/time.js";

/** A server that keeps secrets in a map and remembers what it was asked. */
export interface MapBroker {
  readonly address: string;
  readonly secrets: Map<string, Secret>;
  /** Requests in their order, as they came off the wire. */
  readonly requests: unknown[];
  /** The metadata of each call. */
  readonly metadata: Metadata[];
  /** How many calls the client cancelled or let time out. */
  readonly cancelled: () => number;
  stop(): void;
}

/** What a test changes about the server. */
export interface MapBrokerOptions {
  /** `127.0.0.1:0` unless given. */
  readonly bind?: string;
  /** How connections are secured; not at all unless given. */
  readonly credentials?: ServerCredentials;
  /** Looks at each request before it is answered; what it throws is the answer. */
  readonly before?: (request: unknown) => unknown;
  /** Replaces the answer to reads. */
  readonly read?: (request: ReadSecretRequest) => ReadSecretResponse | Promise<ReadSecretResponse>;
}

/** The time every secret of the server was created at. */
export const createTime: Date = new Date("2026-01-02T03:04:05.678Z");

type Wrap = <Request, Response>(
  answer: (request: Request) => Response | Promise<Response>,
) => handleUnaryCall<Request, Response>;

interface WireWrite {
  name: string;
  payload: Secret["payload"];
}

/** Starts a server for the client's tests; must be stopped. */
export async function startMapBroker(options: MapBrokerOptions = {}): Promise<MapBroker> {
  const { bind = "127.0.0.1:0", before, read } = options;
  const secrets = new Map<string, Secret>();
  const requests: unknown[] = [];
  const metadata: Metadata[] = [];
  let cancelled = 0;
  const unary: Wrap = (answer) => (call, callback) => {
    requests.push(call.request);
    metadata.push(call.metadata);
    call.on("cancelled", () => (cancelled += 1));
    void Promise.resolve()
      .then(() => before?.(call.request))
      .then(() => answer(call.request))
      .then(
        (response) => {
          callback(null, response);
        },
        (error: unknown) => {
          callback(toWireError(toSecretError(error), "request-1"));
        },
      );
  };
  const server = new Server();
  addSecretService(server, secrets, { unary, read: read ?? ((request) => readFrom(secrets, request)) });
  addVirtualKeyService(server, secrets, unary);
  const address = await listen(server, bind, options.credentials);
  const stop = (): void => {
    server.forceShutdown();
  };
  return { address, secrets, requests, metadata, cancelled: () => cancelled, stop };
}

async function listen(
  server: Server,
  bind: string,
  credentials: ServerCredentials = ServerCredentials.createInsecure(),
): Promise<string> {
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(bind, credentials, (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  return bind.startsWith("unix:") ? bind : `127.0.0.1:${String(port)}`;
}

interface SecretAnswers {
  readonly unary: Wrap;
  readonly read: NonNullable<MapBrokerOptions["read"]>;
}

function addSecretService(server: Server, secrets: Map<string, Secret>, { unary, read }: SecretAnswers): void {
  const previousRestorableUntil = timestampFromDate(createTime);
  server.addService(SecretBrokerService, {
    readSecret: unary(read),
    batchReadSecrets: unary(({ reads }: { reads: ReadSecretRequest[] }) => ({
      results: reads.map((each) => batchResult(secrets, each)),
    })),
    listSecrets: unary(() => listOf(secrets)),
    describeSecret: unary((request: DescribeSecretRequest) => describe(secrets, request.name)),
    writeSecret: unary((request: WireWrite) => write(secrets, request)),
    deleteSecret: unary((request: { name: string }) => remove(secrets, request.name)),
    rotateSecret: unary((request: WireWrite) => ({ ...write(secrets, request), previousRestorableUntil })),
    activateSecretVersion: unary(unsupported),
    restoreSecret: unary(unsupported),
    destroySecret: unary(unsupported),
    watchSecrets: () => undefined,
  });
}

function addVirtualKeyService(server: Server, secrets: Map<string, Secret>, unary: Wrap): void {
  const store = unary(({ alias, key }: { alias: string; key: string }) =>
    write(secrets, { name: alias, payload: { $case: "text", value: key } }),
  );
  server.addService(VirtualKeyBrokerService, {
    storeVirtualKey: store,
    rotateVirtualKey: store,
    deleteVirtualKeys: unary(({ aliases }: { aliases: string[] }) => ({
      results: aliases.map((alias) => deleteResult(secrets, alias)),
    })),
  });
}

function readFrom(secrets: Map<string, Secret>, request: ReadSecretRequest): ReadSecretResponse {
  const secret = secrets.get(request.name);
  if (secret === undefined) throw SecretError.notFound(request.name);
  if (request.knownVersion === secret.version) {
    return ReadSecretResponse.fromPartial({
      secret: { name: secret.name, version: secret.version },
      notModified: true,
      servedFrom: ServedFrom.CACHE,
      age: durationFromMs(1_500),
    });
  }
  return ReadSecretResponse.fromPartial({ secret, servedFrom: ServedFrom.MANAGER });
}

function batchResult(secrets: Map<string, Secret>, request: ReadSecretRequest): BatchReadSecretsResult {
  try {
    return { result: { $case: "read", value: readFrom(secrets, request) } };
  } catch (error) {
    if (!isSecretError(error)) throw error;
    return { result: { $case: "error", value: encodeStatus(error, "request-1") } };
  }
}

function write(secrets: Map<string, Secret>, { name, payload }: WireWrite): WriteSecretResponse {
  const version = (secrets.get(name)?.version ?? 0) + 1;
  const time = timestampFromDate(createTime);
  secrets.set(name, Secret.fromPartial({ name, uid: "life-1", version, payload, createTime: time }));
  return { version: SecretVersion.fromPartial({ name, uid: "life-1", version, active: true, createTime: time }) };
}

function remove(secrets: Map<string, Secret>, name: string): DeleteSecretResponse {
  const status = secrets.delete(name) ? DeleteStatus.DELETED : DeleteStatus.NOT_FOUND;
  return DeleteSecretResponse.fromPartial({ status });
}

function deleteResult(secrets: Map<string, Secret>, alias: string): DeleteVirtualKeysResult {
  if (alias === "broken") {
    const error = encodeStatus(new SecretError("POLICY_DENIED", "not allowed"), "request-1");
    return { alias, result: { $case: "error", value: error } };
  }
  return { alias, result: { $case: "deletion", value: remove(secrets, alias) } };
}

function listOf(secrets: Map<string, Secret>): ListSecretsResponse {
  return ListSecretsResponse.fromPartial({ secrets: [...secrets.values()].map(metadataOf), nextPageToken: "next" });
}

function describe(secrets: Map<string, Secret>, name: string): DescribeSecretResponse {
  const secret = secrets.get(name);
  if (secret === undefined) throw SecretError.notFound(name);
  return DescribeSecretResponse.fromPartial({
    secret: metadataOf(secret),
    versions: [{ name, version: secret.version, active: true }],
    changedBy: "somebody",
  });
}

function metadataOf({ name, version }: Secret): SecretMetadata {
  return SecretMetadata.fromPartial({ name, activeVersion: version, tags: new Map([["team", "a"]]) });
}

function unsupported(): never {
  throw SecretError.unsupported("activate", "the map");
}
