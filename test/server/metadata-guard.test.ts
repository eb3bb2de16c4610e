import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SecretBrokerClient } from "../../src/client/index.js";
import { HealthClient } from "../../src/gen/grpc/health/v1/health.js";
import { ServerReflectionService } from "../../src/gen/grpc/reflection/v1/reflection.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { RpcCaller, rpcs } from "../app/call-rpc.js";

const config = `
general_settings:
  key_management_settings: { access_mode: read_and_write, store_virtual_keys: true }
secret_broker:
  manager: { kind: memory }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  listen:
    - { address: "127.0.0.1:0", require_metadata: true }
    - { address: "unix:broker.sock", require_metadata: true }
    - 127.0.0.1:0
`;

describe("an address that requires metadata", () => {
  let broker: TestBroker;

  beforeAll(async () => {
    broker = await startBroker({ config, listen: [] });
  });

  afterAll(() => broker.stop());

  async function outcome(address: string, name: string, metadata?: Metadata): Promise<string | undefined> {
    const caller = new RpcCaller(address);
    try {
      const { code, reason, error } = await caller.call(name, new Uint8Array(), metadata);
      return reason === "FIELD_INVALID" && String(error?.details).includes("x-secret-broker-request") ? "guard" : code;
    } finally {
      caller.close();
    }
  }

  it.each([...rpcs.keys()])("refuses %s without it", async (name) => {
    expect(await outcome(broker.address, name)).toBe("guard");
  });

  it.each(["", "false", "True", "true, false", "1"])("refuses the value %j", async (value) => {
    const metadata = new Metadata();
    metadata.set("x-secret-broker-request", value);
    expect(await outcome(broker.address, "ListSecrets", metadata)).toBe("guard");
  });

  it("takes it once and several times, as a proxy and a client may both set it", async () => {
    const metadata = new Metadata();
    metadata.add("x-secret-broker-request", "true");
    expect(await outcome(broker.address, "ListSecrets", metadata)).toBe("OK");
    metadata.add("x-secret-broker-request", "true");
    expect(await outcome(broker.address, "ListSecrets", metadata)).toBe("OK");
  });

  it("says what to send, on a socket too, and asks nothing of the address beside it", async () => {
    const [, socket = "", open = ""] = broker.addresses;
    const bare = new Client(socket, credentials.createInsecure());
    const { details } = await new Promise<ServiceError>((resolve) => {
      const path = "/secretbroker.v1.SecretBroker/ListSecrets";
      const asBytes = (): Buffer => Buffer.alloc(0);
      bare.makeUnaryRequest(path, asBytes, asBytes, {}, (error) => {
        if (error !== null) resolve(error);
      });
    });
    bare.close();
    expect(details).toBe(
      'x-secret-broker-request must be "true" on this address; send it as metadata with every call, as our clients do',
    );
    expect(await outcome(open, "ListSecrets")).toBe("OK");
  });

  it("is open to the client library, watches included", async () => {
    const client = new SecretBrokerClient(broker.address);
    await client.writeSecret({ name: "A", payload: "one" });
    expect(await client.readSecret({ name: "A" })).toMatchObject({ secret: { payload: "one" } });
    const watch = client.watchSecrets();
    watch.subscribe({ names: ["A"] });
    for await (const event of watch) if (event.kind === "initial") break;
    client.close();
  });

  it("lets probes and tools ask for health and for the contract", async () => {
    const health = new HealthClient(broker.address, credentials.createInsecure());
    const status = await new Promise((resolve) => {
      health.check({ service: "" }, (error, response) => {
        resolve(error ?? response.status);
      });
    });
    health.close();
    expect(status).toBe(1);
    const { path, requestSerialize, responseDeserialize } = ServerReflectionService.serverReflectionInfo;
    const client = new Client(broker.address, credentials.createInsecure());
    const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    stream.end({ host: "", messageRequest: { $case: "listServices", value: "" } });
    const answer = await new Promise((resolve, reject) => stream.once("data", resolve).once("error", reject));
    client.close();
    expect(JSON.stringify(answer)).toContain("secretbroker.v1.SecretBroker");
  });
});
