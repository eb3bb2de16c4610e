import { readFileSync } from "node:fs";
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from "@grpc/grpc-js";
import {
  type ReadSecretRequest,
  type ReadSecretResponse,
  SecretBrokerService,
} from "#built/gen/secretbroker/v1/secret_broker.js";
import { ServedFrom } from "#built/gen/secretbroker/v1/secret.js";
import { timestampFromDate } from "#built/rpc/time.js";
import { benchSecrets } from "../bench-secrets.ts";
import { answerParent } from "./answer-parent.ts";

// The same service, codec and answers on grpc-js alone: a map look-up, no policy, no audit, no guard, no counters.
const answers = new Map(benchSecrets(10).map(({ name, value }) => [name, answer(name, value)]));

function answer(name: string, value: string): ReadSecretResponse {
  const now = timestampFromDate(new Date());
  return {
    secret: {
      name,
      uid: "00000000-0000-4000-8000-000000000000",
      version: 1,
      payload: { $case: "text", value },
      createTime: now,
      expireTime: undefined,
      description: "",
      tags: new Map(),
    },
    notModified: false,
    servedFrom: ServedFrom.MANAGER,
    age: undefined,
  };
}

function readSecret(
  call: ServerUnaryCall<ReadSecretRequest, ReadSecretResponse>,
  callback: sendUnaryData<ReadSecretResponse>,
): void {
  callback(null, answers.get(call.request.name) ?? null);
}

const server = new Server({ "grpc.enable_channelz": 0 });
server.addService({ readSecret: SecretBrokerService.readSecret }, { readSecret });
// With files of certificate, key and authority, over TLS that asks clients for a certificate.
const files = process.argv.slice(2, 5).map((file) => readFileSync(file));
const [cert_chain, private_key, authority] = files;
server.bindAsync("localhost:0", credentials(), (error, port) => {
  if (error !== null) throw error;
  answerParent(`localhost:${String(port)}`);
});

function credentials(): ServerCredentials {
  if (cert_chain === undefined || private_key === undefined) return ServerCredentials.createInsecure();
  return ServerCredentials.createSsl(authority ?? null, [{ cert_chain, private_key }], process.argv.includes("mutual"));
}
