import {
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
} from "@grpc/grpc-js";
import {
  SecretBrokerService,
  type WriteSecretRequest,
  type WriteSecretResponse,
} from "#built/gen/secretbroker/v1/secret_broker.js";
import { type WatchSecretsRequest, WatchSecretsResponse } from "#built/gen/secretbroker/v1/watch.js";
import { benchSecrets } from "../bench-secrets.ts";
import { answerParent } from "./answer-parent.ts";

// The same streams on grpc-js alone: what is written is told at once to whoever has said anything, encoded once.
type Stream = ServerDuplexStream<WatchSecretsRequest, Buffer>;

const streams = new Set<Stream>();
const [{ name, value } = { name: "", value: "" }] = benchSecrets(1);
let revision = 0n;

function encode(event: WatchSecretsResponse["event"]): Buffer {
  return Buffer.from(WatchSecretsResponse.encode({ event }).finish());
}

function encodeChange(): Buffer {
  revision += 1n;
  const secret = {
    name,
    uid: "00000000-0000-4000-8000-000000000000",
    version: Number(revision),
    payload: { $case: "text" as const, value },
    createTime: undefined,
    expireTime: undefined,
    description: "",
    tags: new Map<string, string>(),
  };
  return encode({ $case: "change", value: { secret, revision } });
}

function writeSecret(
  _call: ServerUnaryCall<WriteSecretRequest, WriteSecretResponse>,
  callback: sendUnaryData<WriteSecretResponse>,
): void {
  const change = encodeChange();
  for (const stream of streams) stream.write(change);
  callback(null, { version: undefined });
}

function watchSecrets(stream: Stream): void {
  const leave = (): void => {
    streams.delete(stream);
  };
  stream.on("cancelled", leave);
  stream.on("error", leave);
  stream.on("data", () => {
    streams.add(stream);
    stream.write(encode({ $case: "syncMarker", value: { revision, pollInterval: undefined } }));
  });
}

const server = new Server({ "grpc.enable_channelz": 0 });
const watchDefinition = { ...SecretBrokerService.watchSecrets, responseSerialize: (bytes: Buffer): Buffer => bytes };
server.addService(
  { writeSecret: SecretBrokerService.writeSecret, watchSecrets: watchDefinition },
  { writeSecret, watchSecrets },
);
server.bindAsync("localhost:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  answerParent(`localhost:${String(port)}`);
});
