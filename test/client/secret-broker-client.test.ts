import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type ClientOptions, SecretBrokerClient } from "../../src/client/index.js";
import { createTime, type MapBroker, type MapBrokerOptions, startMapBroker } from "./map-broker.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options?: MapBrokerOptions): Promise<{ broker: MapBroker; client: SecretBrokerClient }> {
  const broker = await startMapBroker(options);
  cleanups.push(() => {
    broker.stop();
  });
  return { broker, client: connect(broker.address) };
}

function connect(address: string, options?: ClientOptions): SecretBrokerClient {
  const client = new SecretBrokerClient(address, options);
  cleanups.push(() => {
    client.close();
  });
  return client;
}

describe("payloads", () => {
  it.each([
    ["text", "sk-1234"],
    ["empty text", ""],
    ["text with line breaks", "a\r\nb\n"],
    ["text beyond ASCII", "ключ 🔑"],
    ["bytes", Uint8Array.of(0, 255, 10, 13)],
    ["no bytes", new Uint8Array()],
    ["bytes that are text", new TextEncoder().encode("text")],
  ])("come back as they were written: %s", async (_label, payload) => {
    const { client } = await start();
    await client.writeSecret({ name: "team/key", payload });
    const answer = await client.readSecret({ name: "team/key" });
    expect(answer).toMatchObject({ notModified: false, secret: { payload } });
  });

  it("share no memory with anything else when they are bytes", async () => {
    const { client } = await start();
    await client.writeSecret({ name: "key", payload: Uint8Array.of(1, 2, 3) });
    const answer = await client.readSecret({ name: "key" });
    if (answer.notModified || typeof answer.secret.payload === "string") throw new Error("no bytes");
    expect(answer.secret.payload.buffer.byteLength).toBe(3);
  });

  it("are taken from a view as it is, not from the buffer behind it", async () => {
    const { client } = await start();
    await client.writeSecret({ name: "key", payload: Uint8Array.of(9, 1, 2, 9).subarray(1, 3) });
    expect(await client.readSecret({ name: "key" })).toMatchObject({ secret: { payload: Uint8Array.of(1, 2) } });
  });

  it("are refused when they are no valid Unicode, which the wire would change", async () => {
    const { client, broker } = await start();
    await expect(client.writeSecret({ name: "key", payload: "a\ud800" })).rejects.toMatchObject({
      reason: "FIELD_INVALID",
      message: "payload must be valid Unicode",
    });
    expect(broker.requests).toEqual([]);
  });
});

describe("reads", () => {
  it("tell everything about a secret, and leave out what is not known", async () => {
    const { client } = await start();
    await client.writeSecret({ name: "key", payload: "value" });
    expect(await client.readSecret({ name: "key" })).toEqual({
      notModified: false,
      servedFrom: "manager",
      ageMs: undefined,
      secret: {
        name: "key",
        uid: "life-1",
        version: 1,
        payload: "value",
        createTime,
        expireTime: undefined,
        description: undefined,
        tags: undefined,
      },
    });
  });

  it("ask for what was asked", async () => {
    const { client, broker } = await start();
    await client.writeSecret({ name: "key", payload: "value" });
    await client.readSecret({
      name: "key",
      version: 1,
      field: "password",
      maxStalenessMs: 1_500,
      options: { region: "eu", nested: { list: [1, true, null] } },
    });
    expect(broker.requests.at(-1)).toEqual({
      name: "key",
      version: 1,
      field: "password",
      knownVersion: undefined,
      maxStaleness: { seconds: 1n, nanos: 500_000_000 },
      options: { region: "eu", nested: { list: [1, true, null] } },
    });
  });

  it("carry no payload when the caller's version is the active one", async () => {
    const { client } = await start();
    await client.writeSecret({ name: "key", payload: "value" });
    expect(await client.readSecret({ name: "key", knownVersion: 1 })).toEqual({
      notModified: true,
      version: 1,
      uid: undefined,
      servedFrom: "cache",
      ageMs: 1_500,
    });
  });

  it("refuse numbers the wire cannot carry", async () => {
    const { client } = await start();
    for (const version of [-1, 1.5, 2 ** 32, Number.NaN]) {
      await expect(client.readSecret({ name: "key", version })).rejects.toMatchObject({
        reason: "FIELD_INVALID",
        violations: [{ field: "version" }],
      });
    }
  });

  it("refuse an answer about another secret", async () => {
    const { client, broker } = await start();
    await client.writeSecret({ name: "other", payload: "value" });
    const other = broker.secrets.get("other");
    if (other) broker.secrets.set("key", other);
    await expect(client.readSecret({ name: "key" })).rejects.toMatchObject({ reason: "MANAGER_REPLY_INVALID" });
  });

  it("refuse an answer without a payload", async () => {
    const { client, broker } = await start();
    await client.writeSecret({ name: "key", payload: "value" });
    const secret = broker.secrets.get("key");
    if (secret) secret.payload = undefined;
    await expect(client.readSecret({ name: "key" })).rejects.toMatchObject({ reason: "MANAGER_REPLY_INVALID" });
  });
});

describe("batches", () => {
  it("have one result for each read, in order, whatever fails", async () => {
    const { client } = await start();
    await client.writeSecret({ name: "a", payload: "1" });
    await client.writeSecret({ name: "c", payload: "3" });
    const results = await client.batchReadSecrets({ reads: [{ name: "c" }, { name: "b" }, { name: "a" }] });
    expect(results).toMatchObject([
      { ok: true, name: "c", answer: { secret: { payload: "3" } } },
      { ok: false, name: "b", error: { reason: "SECRET_NOT_FOUND", message: 'secret "b" does not exist' } },
      { ok: true, name: "a", answer: { secret: { payload: "1" } } },
    ]);
  });

  it("name the read that cannot be sent", async () => {
    const { client } = await start();
    const reads = [{ name: "a" }, { name: "b", version: -1 }];
    await expect(client.batchReadSecrets({ reads })).rejects.toMatchObject({
      violations: [{ field: "reads[1].version" }],
    });
  });
});

describe("the other calls", () => {
  it("list pages without payloads", async () => {
    const { client } = await start();
    await client.writeSecret({ name: "key", payload: "canary" });
    const page = await client.listSecrets({ prefix: "k", tags: { team: "a" } });
    expect(page).toMatchObject({ secrets: [{ name: "key", activeVersion: 1 }], nextPageToken: "next" });
    expect(JSON.stringify(page)).not.toContain("canary");
  });

  it("describe a secret and its versions", async () => {
    const { client } = await start();
    await client.writeSecret({ name: "key", payload: "value" });
    expect(await client.describeSecret({ name: "key" })).toMatchObject({
      name: "key",
      changedBy: "somebody",
      versions: [{ version: 1, active: true }],
    });
  });

  it("write with everything that goes with a value", async () => {
    const { client, broker } = await start();
    const expireTime = new Date("2030-01-01T00:00:00Z");
    const version = await client.writeSecret({
      name: "key",
      payload: "value",
      description: "what for",
      tags: { team: "a" },
      expectedVersion: 0,
      idempotencyId: "once",
      expireTime,
      activate: false,
    });
    expect(version).toMatchObject({ version: 1, active: true, createTime });
    expect(broker.requests[0]).toMatchObject({
      description: "what for",
      tags: new Map([["team", "a"]]),
      expectedVersion: 0,
      requestId: "once",
      expireTime: { seconds: BigInt(expireTime.getTime() / 1_000), nanos: 0 },
      activate: false,
    });
  });

  it("leave unset what was not given", async () => {
    const { client, broker } = await start();
    await client.writeSecret({ name: "key", payload: "value" });
    expect(broker.requests[0]).toMatchObject({ description: undefined, expectedVersion: undefined });
  });

  it("delete, and take an absent name for a result", async () => {
    const { client } = await start();
    await client.writeSecret({ name: "key", payload: "value" });
    expect(await client.deleteSecret({ name: "key" })).toMatchObject({ status: "deleted" });
    expect(await client.deleteSecret({ name: "key" })).toMatchObject({ status: "not_found" });
  });

  it("rotate", async () => {
    const { client, broker } = await start();
    expect(await client.rotateSecret({ name: "key", payload: "new", gracePeriodMs: 60_000 })).toMatchObject({
      version: 1,
      previousRestorableUntil: createTime,
    });
    expect(broker.requests[0]).toMatchObject({ gracePeriod: { seconds: 60n, nanos: 0 }, newName: "" });
  });

  it("store, rotate and delete virtual keys", async () => {
    const { client } = await start();
    expect(await client.storeVirtualKey({ alias: "one", key: "sk-1" })).toMatchObject({ version: 1 });
    expect(await client.rotateVirtualKey({ alias: "one", key: "sk-2" })).toMatchObject({ version: 2 });
    expect(await client.deleteVirtualKeys({ aliases: ["one", "broken", "two"] })).toMatchObject([
      { ok: true, alias: "one", answer: { status: "deleted" } },
      { ok: false, alias: "broken", error: { reason: "POLICY_DENIED" } },
      { ok: true, alias: "two", answer: { status: "not_found" } },
    ]);
  });
});

describe("addresses", () => {
  it("may be Unix sockets", async () => {
    const directory = await mkdtemp(join(tmpdir(), "client-"));
    cleanups.push(() => rm(directory, { recursive: true }));
    const { client } = await start({ bind: `unix:${join(directory, "broker.sock")}` });
    await client.writeSecret({ name: "key", payload: "value" });
    expect(await client.readSecret({ name: "key" })).toMatchObject({ secret: { payload: "value" } });
  });
});
