import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { Client, type ClientDuplexStream, credentials, type ServiceError, status } from "@grpc/grpc-js";
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

  it("keeps no name that is longer than a service's", async () => {
    const broker = await startBroker();
    const client = new HealthClient(broker.address, credentials.createInsecure());
    const told = (service: string): Promise<unknown> =>
      new Promise((resolve) => {
        const watch = client.watch({ service });
        watch.on("data", ({ status: state }: HealthCheckResponse) => {
          resolve(state);
          watch.cancel();
        });
        watch.on("error", ({ code, details }: ServiceError) => {
          resolve([code, details]);
        });
      });
    const refusal = "message must be at most 256 bytes: ask for one service by its full name";
    // SERVICE_UNKNOWN, as the protocol of health has it.
    expect(await told("another.Service")).toBe(3);
    expect(await told("s".repeat(128))).toBe(3);
    expect(await told("s".repeat(300))).toEqual([status.INVALID_ARGUMENT, refusal]);
    const checked = await new Promise((resolve) => {
      client.check({ service: "s".repeat(300) }, (error) => {
        resolve([error?.code, error?.details]);
      });
    });
    expect(checked).toEqual([status.INVALID_ARGUMENT, refusal]);
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

  function open(): ClientDuplexStream<ServerReflectionRequest, ServerReflectionResponse> {
    const { requestSerialize, responseDeserialize } = ServerReflectionClient.service.serverReflectionInfo;
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  }

  function ask(messageRequest: ServerReflectionRequest["messageRequest"]): Promise<ServerReflectionResponse> {
    const stream = open();
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

  it("answers many questions that are asked at once, in their order", async () => {
    const stream = open();
    const names = Array.from({ length: 2_000 }, (_, index) => `no.such.Symbol${String(index)}`);
    for (const value of names) stream.write({ host: "", messageRequest: { $case: "fileContainingSymbol", value } });
    stream.end();
    const answered: (string | undefined)[] = [];
    for await (const answer of stream) {
      const { originalRequest } = answer as ServerReflectionResponse;
      answered.push(originalRequest?.messageRequest?.value as string);
    }
    expect(answered).toEqual(names);
  });

  it("ends a stream that asks for a name that is too long", async () => {
    const value = "n".repeat(1_024);
    await expect(ask({ $case: "fileByFilename", value })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: "message must be at most 1024 bytes: ask for one file or symbol by its name",
    });
  });

  it("has so many streams open at once, and room again when they end", async () => {
    const streams = Array.from({ length: 256 }, open);
    const listServices = { $case: "listServices", value: "" } as const;
    await Promise.all(
      streams.map(async (stream) => {
        stream.on("error", () => undefined);
        stream.write({ host: "", messageRequest: listServices });
        await once(stream, "data");
      }),
    );
    await expect(ask(listServices)).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    for (const stream of streams) stream.cancel();
    await expect.poll(() => ask(listServices).then(() => "answered", String)).toBe("answered");
  });
});
