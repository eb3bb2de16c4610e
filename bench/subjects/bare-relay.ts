import {
  Client,
  credentials,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
} from "@grpc/grpc-js";
import { SecretBrokerService } from "#built/gen/secretbroker/v1/secret_broker.js";
import { answerParent } from "./answer-parent.ts";

// Passes reads on and their answers back on grpc-js alone, as bytes: no name, no policy, no audit, no deadline.
const [, , upstream = ""] = process.argv;
const { path } = SecretBrokerService.readSecret;
const asIs = (bytes: Buffer): Buffer => bytes;
const client = new Client(upstream, credentials.createInsecure(), { "grpc.enable_channelz": 0 });

function relay({ request }: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void {
  client.makeUnaryRequest(path, asIs, asIs, request, callback);
}

const method = { path, requestStream: false, responseStream: false };
const codec = { requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs };
const server = new Server({ "grpc.enable_channelz": 0 });
server.addService({ readSecret: { ...method, ...codec } }, { readSecret: relay });
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  answerParent(`127.0.0.1:${String(port)}`);
});
