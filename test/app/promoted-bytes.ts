import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { GCProfiler } from "node:v8";
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from "@grpc/grpc-js";
import { startBrokerProcess } from "#built/app/start-broker-process.js";
import {
  type ReadSecretRequest,
  ReadSecretResponse,
  SecretBrokerService,
} from "#built/gen/secretbroker/v1/secret_broker.js";

// A server whose parent asks how many bytes each of its young collections has made old since it was told to begin.
const address = process.argv.includes("broker") ? await serveBroker() : await serveBare();
process.on("disconnect", () => process.exit());
process.send?.({ address });
await once(process, "message");
// What is there by now is old from here on, as what a process begins with is.
globalThis.gc?.();
const profiler = new GCProfiler();
profiler.start();
process.send?.("begun");
await once(process, "message");
const collections = profiler.stop().statistics.filter(({ gcType }) => gcType === "Scavenge");
const promoted = collections.map(({ beforeGC, afterGC }) => oldBytes(afterGC) - oldBytes(beforeGC));
process.send?.(promoted, () => process.exit());

interface Heap {
  readonly heapSpaceStatistics: readonly { readonly spaceName: string; readonly spaceUsedSize: number }[];
}

function oldBytes({ heapSpaceStatistics }: Heap): number {
  return heapSpaceStatistics.find(({ spaceName }) => spaceName === "old_space")?.spaceUsedSize ?? Number.NaN;
}

async function serveBroker(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "secret-broker-test-"));
  process.on("exit", () => {
    rmSync(folder, { recursive: true, force: true });
  });
  const configFile = join(folder, "config.yaml");
  const settings = { manager: { kind: "memory" }, listen: ["127.0.0.1:0"], admin: { listen: "off" } };
  const audit = { sink: "file", path: "audit.jsonl" };
  const general_settings = { key_management_settings: { access_mode: "read_and_write" } };
  const secret_broker = { ...settings, audit, log: { level: "error" } };
  writeFileSync(configFile, JSON.stringify({ general_settings, secret_broker }));
  const stderr = new PassThrough().resume();
  const { addresses } = await startBrokerProcess({ configFile, listen: [], detailedDebug: false, stderr });
  return addresses[0] ?? "";
}

/** grpc-js alone. */
async function serveBare(): Promise<string> {
  const answer = ReadSecretResponse.fromPartial({
    secret: { name: "KEY", payload: { $case: "text", value: "value" } },
  });
  const server = new Server();
  const readSecret = (
    _call: ServerUnaryCall<ReadSecretRequest, ReadSecretResponse>,
    callback: sendUnaryData<ReadSecretResponse>,
  ): void => {
    // Later, as every answer that somebody is asked for, so that calls overlap.
    setImmediate(() => {
      callback(null, answer);
    });
  };
  server.addService({ readSecret: SecretBrokerService.readSecret }, { readSecret });
  return await new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(`127.0.0.1:${String(port)}`);
      else reject(error);
    });
  });
}
