import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SecretBrokerClient } from "../../src/client/secret-broker-client.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";

// The cases of the reference's cookbook class, through a real broker and a class of one's own.

function configOf(className: string): string {
  return `
general_settings:
  key_management_system: custom
  key_management_settings:
    custom_secret_manager: my_secret_manager.${className}
    access_mode: read_and_write
    store_virtual_keys: true
    prefix_for_stored_virtual_keys: "litellm/"
    description: "a virtual key"
    tags: { Environment: "Production" }
secret_broker:
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
`;
}

const classes = `
export class InMemory {
  #secrets = new Map([["HELD", { value: "placeholder" }]]);
  readSecret(name, call) { return name === "ECHO" ? JSON.stringify(call.options) : this.#secrets.get(name); }
  writeSecret(name, value, { description, tags }) { this.#secrets.set(name, { value, description, tags }); }
  deleteSecret(name, { recoveryWindowInDays }) {
    if (name === "WINDOW") throw new Error(String(recoveryWindowInDays));
    return { status: this.#secrets.delete(name) ? "deleted" : "not_found" };
  }
}
export class ReadsOnly {
  async readSecret(name) { return name === "HELD" ? "placeholder" : undefined; }
}
`;

describe("a class like the cookbook's", () => {
  let broker: TestBroker;
  let client: SecretBrokerClient;

  beforeAll(async () => {
    broker = await startBroker({ config: configOf("InMemory"), files: { "my_secret_manager.mjs": classes } });
    client = new SecretBrokerClient(broker.address);
  });

  afterAll(async () => {
    client.close();
    await broker.stop();
  });

  it("finds what is held, and says of the rest that it is absent", async () => {
    expect(await client.readSecret({ name: "HELD" })).toMatchObject({ secret: { payload: "placeholder" } });
    await expect(client.readSecret({ name: "ABSENT" })).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
  });

  it("reads what was written, and not what was deleted", async () => {
    await client.writeSecret({ name: "NEW", payload: "written" });
    expect(await client.readSecret({ name: "NEW" })).toMatchObject({ secret: { payload: "written" } });
    expect(await client.deleteSecret({ name: "NEW" })).toMatchObject({ status: "deleted" });
    await expect(client.readSecret({ name: "NEW" })).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
  });

  it("deletes an absent name as a result, unless it must exist", async () => {
    expect(await client.deleteSecret({ name: "NEVER" })).toMatchObject({ status: "not_found" });
    const strict = client.deleteSecret({ name: "NEVER", mustExist: true });
    await expect(strict).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
  });

  it("keeps the key when it is rotated under its own name, and moves it to a new one", async () => {
    await client.writeSecret({ name: "ROTATED", payload: "old", description: "mine", tags: { a: "b" } });
    await client.rotateSecret({ name: "ROTATED", payload: "new" });
    const rotated = { payload: "new", description: "mine", tags: { a: "b" } };
    expect(await client.readSecret({ name: "ROTATED" })).toMatchObject({ secret: rotated });
    await client.rotateSecret({ name: "ROTATED", newName: "MOVED", payload: "newer" });
    expect(await client.readSecret({ name: "MOVED" })).toMatchObject({ secret: { ...rotated, payload: "newer" } });
    await expect(client.readSecret({ name: "ROTATED" })).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
  });

  it("gets the caller's options untouched", async () => {
    const options = { secret_manager_settings: { mount: "kv", depth: 2, flags: [true, null] } };
    const answer = await client.readSecret({ name: "ECHO", options });
    expect(answer).toMatchObject({ secret: { payload: JSON.stringify(options) } });
  });

  it("stores virtual keys under the prefix, with description and tags", async () => {
    await client.storeVirtualKey({ alias: "my-key", key: "placeholder", teamId: "red" });
    const { secret } = { secret: undefined, ...(await client.readSecret({ name: "litellm/my-key" })) };
    expect(secret).toMatchObject({
      payload: "placeholder",
      description: "a virtual key",
      tags: { Environment: "Production", team_id: "red" },
    });
    await client.rotateVirtualKey({ alias: "my-key", key: "rotated" });
    expect(await client.readSecret({ name: "litellm/my-key" })).toMatchObject({ secret: { payload: "rotated" } });
    const results = await client.deleteVirtualKeys({ aliases: ["my-key", "../x", "never"] });
    expect(results).toMatchObject([{ ok: true }, { ok: false, error: { reason: "FIELD_INVALID" } }, { ok: true }]);
  });
});

describe("a class that only reads", () => {
  it("reads, and refuses everything else by its name", async () => {
    const broker = await startBroker({ config: configOf("ReadsOnly"), files: { "my_secret_manager.mjs": classes } });
    const client = new SecretBrokerClient(broker.address);
    expect(await client.readSecret({ name: "HELD" })).toMatchObject({ secret: { payload: "placeholder" } });
    const refusal = { reason: "CAPABILITY_UNSUPPORTED", message: expect.stringContaining("ReadsOnly") as unknown };
    await expect(client.writeSecret({ name: "X", payload: "y" })).rejects.toMatchObject(refusal);
    await expect(client.deleteSecret({ name: "X" })).rejects.toMatchObject(refusal);
    await expect(client.listSecrets({})).rejects.toMatchObject(refusal);
    client.close();
    await broker.stop();
  });
});
