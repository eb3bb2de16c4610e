import { rm, writeFile } from "node:fs/promises";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { descriptorFiles } from "../../src/gen/descriptor-set.js";
import { HealthClient, type HealthCheckResponse } from "../../src/gen/grpc/health/v1/health.js";
import {
  ServerReflectionClient,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from "../../src/gen/grpc/reflection/v1/reflection.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";

const sickClass = `
import { existsSync } from "node:fs";
export class Sick {
  readSecret() { return undefined; }
  checkHealth() { return !existsSync(new URL("./sick", import.meta.url)); }
}
`;
const sickConfig = `
general_settings:
  key_management_system: custom
  key_management_settings: { custom_secret_manager: sick.Sick }
secret_broker:
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  timeouts: { health_interval: 100ms }
  log: { level: error }
`;

describe("health", () => {
  it("watches a manager fall ill and get well, and lets its watchers go at the end", async () => {
    const broker = await startBroker({ config: sickConfig, files: { "sick.mjs": sickClass } });
    const client = new HealthClient(broker.address, credentials.createInsecure());
    const watch = client.watch({ service: "secretbroker.v1.SecretBroker" });
    const states = watch[Symbol.asyncIterator]() as AsyncIterator<HealthCheckResponse, undefined>;
    const next = async (): Promise<number | undefined> => (await states.next()).value?.status;
    expect(await next()).toBe(1);
    await writeFile(`${broker.directory}/sick`, "");
    expect(await next()).toBe(2);
    await rm(`${broker.directory}/sick`);
    expect(await next()).toBe(1);
    const stopped = broker.stop();
    expect(await next()).toBe(2);
    expect((await states.next()).done).toBe(true);
    await stopped;
    client.close();
  });

  it("knows its services and no others", async () => {
    const broker = await startBroker();
    const client = new HealthClient(broker.address, credentials.createInsecure());
    const check = (service: string): Promise<number | undefined> =>
      new Promise((resolve) => {
        client.check({ service }, (error, response) => {
          resolve(error === null ? response.status : -error.code);
        });
      });
    expect(await check("")).toBe(1);
    expect(await check("secretbroker.v1.SecretBroker")).toBe(1);
    expect(await check("secretbroker.v1.AdministrationBroker")).toBe(1);
    // Virtual keys are not stored, so that service is not there.
    expect(await check("secretbroker.v1.VirtualKeyBroker")).toBe(-status.NOT_FOUND);
    expect(await check("another.Service")).toBe(-status.NOT_FOUND);
    client.close();
    await broker.stop();
  });
});

describe.each(["v1", "v1alpha"])("reflection %s", (version) => {
  let broker: TestBroker;
  let client: Client;

  beforeAll(async () => {
    broker = await startBroker();
    client = new Client(broker.address, credentials.createInsecure());
  });

  afterAll(async () => {
    client.close();
    await broker.stop();
  });

  function ask(messageRequest: ServerReflectionRequest["messageRequest"]): Promise<ServerReflectionResponse> {
    const { requestSerialize, responseDeserialize } = ServerReflectionClient.service.serverReflectionInfo;
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    stream.end({ host: "", messageRequest });
    return new Promise((resolve, reject) => {
      stream.once("data", resolve);
      stream.once("error", (error: ServiceError) => {
        reject(error);
      });
    });
  }

  it("resolves every file and every symbol with all they import", async () => {
    for (const { name, symbols, dependencies } of descriptorFiles) {
      const [symbol = ""] = symbols;
      for (const request of [
        { $case: "fileByFilename", value: name } as const,
        { $case: "fileContainingSymbol", value: symbol } as const,
      ]) {
        const { messageResponse } = await ask(request);
        if (messageResponse?.$case !== "fileDescriptorResponse") expect.fail(`${name} is not served`);
        expect(messageResponse.value.fileDescriptorProto.length).toBeGreaterThan(dependencies.length);
      }
    }
  });

  it("says what it does not have", async () => {
    const { messageResponse } = await ask({ $case: "fileContainingSymbol", value: "no.such.Symbol" });
    expect(messageResponse).toMatchObject({ $case: "errorResponse", value: { errorCode: status.NOT_FOUND } });
  });
});
