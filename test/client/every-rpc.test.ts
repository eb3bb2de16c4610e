import { afterEach, describe, expect, it } from "vitest";
import { AdministrationClient, SecretBrokerClient } from "../../src/client/index.js";
import { administrationRpcs } from "../../src/client/rpcs/administration-rpcs.js";
import { secretRpcs } from "../../src/client/rpcs/secret-rpcs.js";
import { virtualKeyRpcs } from "../../src/client/rpcs/virtual-key-rpcs.js";
import { AdministrationBrokerService } from "../../src/gen/secretbroker/v1/administration_broker.js";
import { SecretBrokerService } from "../../src/gen/secretbroker/v1/secret_broker.js";
import { VirtualKeyBrokerService } from "../../src/gen/secretbroker/v1/virtual_key_broker.js";
import { startBroker } from "../../src/testkit/start-broker.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const config = `
general_settings: { key_management_settings: { access_mode: read_and_write, store_virtual_keys: true } }
secret_broker:
  manager: { kind: sqlite, path: secrets.db }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
`;

async function open(): Promise<SecretBrokerClient> {
  const broker = await startBroker({ config });
  cleanups.push(() => broker.stop());
  const client = new SecretBrokerClient(broker.address);
  cleanups.push(() => {
    client.close();
  });
  return client;
}

describe("the client has a method for", () => {
  const services = { ...SecretBrokerService, ...VirtualKeyBrokerService, ...AdministrationBrokerService };
  it.each(Object.entries(services))("%s", (name, { path, responseStream }) => {
    const holder = name in AdministrationBrokerService ? AdministrationClient : SecretBrokerClient;
    expect(holder.prototype).toHaveProperty(name, expect.any(Function));
    const rpcs: Readonly<Record<string, { path: string }>> = {
      ...secretRpcs,
      ...virtualKeyRpcs,
      ...administrationRpcs,
    };
    expect(rpcs[name]?.path).toBe(responseStream ? undefined : path);
  });
});

describe("against a real broker the client", () => {
  it("leads a secret through its life", async () => {
    const client = await open();
    await client.writeSecret({ name: "key", payload: "one" });
    await client.writeSecret({ name: "key", payload: "two", activate: false });
    expect(await client.activateSecretVersion({ name: "key", version: 2, expectedVersion: 1 })).toMatchObject({
      name: "key",
      activeVersion: 2,
    });
    const { uid } = await client.deleteSecret({ name: "key" });
    expect(await client.restoreSecret({ name: "key", uid })).toMatchObject({ name: "key", uid });
    await client.destroySecret({ name: "key", version: 1 });
    await expect(client.readSecret({ name: "key", version: 1 })).rejects.toMatchObject({ reason: "VERSION_NOT_FOUND" });
    await client.destroySecret({ name: "key", uid });
    await expect(client.readSecret({ name: "key" })).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
    for (const target of [{}, { version: 1, uid: "life" }]) {
      await expect(client.destroySecret({ name: "key", ...target })).rejects.toThrow(/either a version or a uid/);
    }
  });

  it("keeps virtual keys", async () => {
    const client = await open();
    expect(await client.storeVirtualKey({ alias: "one", key: "sk-1" })).toMatchObject({ version: 1 });
    expect(await client.rotateVirtualKey({ alias: "one", key: "sk-2" })).toMatchObject({ version: 2 });
    expect(await client.deleteVirtualKeys({ aliases: ["one"] })).toMatchObject([{ ok: true, alias: "one" }]);
  });

  it("administers it", async () => {
    const client = await open();
    const { administration } = client;
    await client.writeSecret({ name: "key", payload: "one" });
    expect(await administration.getStatus()).toMatchObject({
      managers: [{ healthy: true }],
      audit: { healthy: true, records: expect.any(Number) as number },
      cache: { entries: 0, bytes: 0, hits: 0, misses: 0 },
      frozenNames: [],
    });
    const question = { principal: "somebody", action: "read", name: "key" } as const;
    expect(await administration.checkAccess(question)).toMatchObject({ rule: expect.any(String) as string });
    expect(await administration.freezeSecret({ name: "key", cause: "leaked" })).toEqual({
      acknowledgedCaches: 0,
      pendingCaches: 0,
    });
    expect(await administration.getStatus()).toMatchObject({ frozenNames: ["key"] });
    await expect(client.readSecret({ name: "key" })).rejects.toMatchObject({ reason: "POLICY_DENIED" });
    await administration.unfreezeSecret({ name: "key" });
    expect(await client.readSecret({ name: "key" })).toMatchObject({ secret: { payload: "one" } });
    expect(await administration.reloadConfiguration()).toEqual([]);
    expect(await administration.listConsumers({ pageSize: 1 })).toEqual({ consumers: [], nextPageToken: undefined });
    expect(await administration.verifyAudit({ fromTime: new Date() })).toMatchObject({ intact: true });
  });
});
