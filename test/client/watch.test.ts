import { afterEach, describe, expect, it } from "vitest";
import { SecretBrokerClient, type SecretWatch, type WatchEvent } from "../../src/client/index.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const config = `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: { kind: sqlite, path: secrets.db }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
  timeouts: { watch_heartbeat: 100ms, drain: 1s }
`;

async function open(): Promise<{ broker: TestBroker; client: SecretBrokerClient }> {
  const broker = await startBroker({ config });
  cleanups.push(() => broker.stop());
  const client = new SecretBrokerClient(broker.address);
  cleanups.push(() => {
    client.close();
  });
  return { broker, client };
}

/** What comes next, heartbeats left out unless they are what is looked for. */
async function next(events: AsyncIterator<WatchEvent>, kind?: WatchEvent["kind"]): Promise<WatchEvent> {
  for (;;) {
    const result = await events.next();
    if (result.done === true) throw new Error("the watch has ended");
    const event = result.value;
    if (kind === undefined ? event.kind !== "heartbeat" : event.kind === kind) return event;
  }
}

function iterate(watch: SecretWatch): AsyncIterator<WatchEvent> {
  cleanups.push(() => {
    watch.close();
  });
  return watch[Symbol.asyncIterator]();
}

describe("a watch", () => {
  it("tells what there is, what changes, what goes, and that it is alive", async () => {
    const { client } = await open();
    await client.writeSecret({ name: "A", payload: "a1" });
    await client.writeSecret({ name: "B", payload: Uint8Array.of(1, 2) });
    const watch = client.watchSecrets();
    watch.subscribe({ names: ["A", "LATER"], prefixes: ["B"] });
    const events = iterate(watch);
    const first = [await next(events), await next(events)].flatMap((event) =>
      event.kind === "initial" ? event.secrets : [],
    );
    expect(first.map(({ name, payload }) => [name, payload])).toEqual([
      ["A", "a1"],
      ["B", Uint8Array.of(1, 2)],
    ]);
    expect(await next(events)).toMatchObject({ kind: "synced", pollIntervalMs: undefined });
    await client.writeSecret({ name: "LATER", payload: "now" });
    expect(await next(events)).toMatchObject({ kind: "change", secret: { name: "LATER", payload: "now", version: 1 } });
    await client.deleteSecret({ name: "A" });
    expect(await next(events)).toMatchObject({ kind: "removal", name: "A" });
    expect(await next(events, "heartbeat")).toMatchObject({ currentTime: expect.any(Date) as Date });
  });

  it("goes on where it broke off", async () => {
    const { client } = await open();
    await client.writeSecret({ name: "A", payload: "a1" });
    const first = client.watchSecrets();
    first.subscribe({ names: ["A"] });
    const events = iterate(first);
    await next(events);
    const synced = await next(events);
    const resumeRevision = synced.kind === "synced" ? synced.revision : 0n;
    first.close();
    expect(await events.next()).toMatchObject({ done: true });
    const known = new Map([["A", { version: 1 }]]);
    const second = client.watchSecrets();
    second.subscribe({ names: ["A"], known, resumeRevision });
    expect(await next(iterate(second))).toMatchObject({ kind: "synced" });
  });

  it("says which version is in use, and which could not be used", async () => {
    const { client } = await open();
    await client.writeSecret({ name: "A", payload: "a1" });
    const watch = client.watchSecrets();
    watch.subscribe({ names: ["A"] });
    const events = iterate(watch);
    await next(events, "synced");
    watch.ack("A", 1);
    watch.nack("A", 1, "PAYLOAD_CORRUPT");
    await expect
      .poll(async () => (await client.administration.listConsumers({ name: "A" })).consumers)
      .toMatchObject([{ acknowledgedVersions: new Map([["A", 1]]) }]);
    watch.unsubscribe({ names: ["A"] });
    await client.writeSecret({ name: "A", payload: "a2" });
    watch.subscribe({ names: ["B"] });
    expect(await next(events)).toMatchObject({ kind: "synced" });
  });

  it("throws what it was refused for, and when the broker is gone", async () => {
    const { broker, client } = await open();
    const refused = client.watchSecrets();
    refused.subscribe({ names: ["not//safe"] });
    await expect(iterate(refused).next()).rejects.toMatchObject({ reason: "FIELD_INVALID" });
    const watch = client.watchSecrets();
    watch.subscribe({ names: ["A"] });
    const events = iterate(watch);
    await next(events, "synced");
    await broker.stop();
    await expect(next(events)).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
  });

  it("ends with its signal, with its client, and when nobody iterates any more", async () => {
    const { client } = await open();
    const controller = new AbortController();
    const watches = [client.watchSecrets({ signal: controller.signal }), client.watchSecrets()];
    for (const watch of watches) watch.subscribe({ names: ["A"] });
    const [first, second] = watches.map((watch) => iterate(watch));
    if (first === undefined || second === undefined) throw new Error("two watches");
    await next(first, "synced");
    await next(second, "synced");
    const third = client.watchSecrets();
    third.subscribe({ names: ["A"] });
    for await (const { kind } of third) if (kind === "synced") break;
    const ended = async (): Promise<number> => (await client.administration.listConsumers()).consumers.length;
    await expect.poll(ended).toBe(2);
    controller.abort();
    await expect(next(first)).rejects.toThrow("the watch has ended");
    await expect.poll(ended).toBe(1);
    client.close();
    await expect(next(second)).rejects.toThrow("the watch has ended");
    await expect(iterate(client.watchSecrets()).next()).rejects.toMatchObject({ reason: "CALL_CANCELLED" });
    await expect(third[Symbol.asyncIterator]().next()).rejects.toThrow("can be iterated once");
  });
});
