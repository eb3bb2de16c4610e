import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { SecretBrokerClient, type SecretError } from "../../src/client/index.js";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";
import { Watcher } from "./watcher.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Setup {
  readonly broker: TestBroker;
  readonly client: SecretBrokerClient;
  watch(): Watcher;
  /** Puts another policy in force. */
  allow(keyManagement: string): Promise<void>;
}

const configWith = (manager: string, keyManagement = "access_mode: read_and_write"): string => `
general_settings: { key_management_settings: { ${keyManagement} } }
secret_broker:
  manager: ${manager}
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
  timeouts: { watch_heartbeat: 100ms, watch_poll: 100ms, drain: 1s }
`;

const managers: Readonly<Record<string, string>> = {
  "the store": "{ kind: sqlite, path: secrets.db }",
  "a manager that is polled": "{ kind: memory }",
};

async function open(manager: string): Promise<Setup> {
  const broker = await startBroker({ config: configWith(manager) });
  cleanups.push(() => broker.stop());
  const client = new SecretBrokerClient(broker.address);
  cleanups.push(() => {
    client.close();
  });
  return {
    broker,
    client,
    watch: () => {
      const watcher = new Watcher(broker.address);
      cleanups.push(() => watcher.leave());
      return watcher;
    },
    allow: (keyManagement) => writeFile(join(broker.directory, "config.yaml"), configWith(manager, keyManagement)),
  };
}

const is = (wanted: string) => (told: string) => told === wanted;

describe.each(Object.entries(managers))("watching secrets of %s", (_which, manager) => {
  it("sends what there is, a sync marker, and then every change", async () => {
    const { client, watch } = await open(manager);
    await client.writeSecret({ name: "A", payload: "a1" });
    const watcher = watch().subscribe({ names: ["A", "B"] });
    expect(await watcher.untilSynced()).toEqual(["initial A@1=a1", "synced"]);
    await client.writeSecret({ name: "A", payload: "a2" });
    expect(await watcher.until(is("change A@2=a2"))).toEqual(["change A@2=a2"]);
    await client.writeSecret({ name: "B", payload: "b1" });
    expect(await watcher.until(is("change B@1=b1"))).toEqual(["change B@1=b1"]);
    await client.deleteSecret({ name: "A" });
    expect(await watcher.until(is("removal A"))).toEqual(["removal A"]);
    await client.writeSecret({ name: "C", payload: "not watched" });
    await client.writeSecret({ name: "A", payload: "anew" });
    expect(await watcher.until(is("change A@1=anew"))).toEqual(["change A@1=anew"]);
  });

  it("watches prefixes", async () => {
    const { client, watch } = await open(manager);
    await client.writeSecret({ name: "team/a", payload: "1" });
    await client.writeSecret({ name: "team/b", payload: "2" });
    await client.writeSecret({ name: "other", payload: "3" });
    const watcher = watch().subscribe({ prefixes: ["team/"] });
    expect(await watcher.untilSynced()).toEqual(["initial team/a@1=1 team/b@1=2", "synced"]);
    await client.writeSecret({ name: "team/c", payload: "4" });
    expect(await watcher.until(is("change team/c@1=4"))).toEqual(["change team/c@1=4"]);
    await client.deleteSecret({ name: "team/a" });
    expect(await watcher.until(is("removal team/a"))).toEqual(["removal team/a"]);
  });

  it("goes on after a half-close, as grpcurl makes it", async () => {
    const { client, watch } = await open(manager);
    const watcher = watch()
      .subscribe({ names: ["A"] })
      .halfClose();
    await watcher.untilSynced();
    await client.writeSecret({ name: "A", payload: "a1" });
    expect(await watcher.until(is("change A@1=a1"))).toEqual(["change A@1=a1"]);
  });

  it("does not send again what the watcher has, and takes away what is gone", async () => {
    const { client, watch } = await open(manager);
    for (const name of ["A", "B", "C"]) await client.writeSecret({ name, payload: "1" });
    await client.writeSecret({ name: "B", payload: "2" });
    const knownVersions = new Map([
      ["A", 1],
      ["B", 1],
      ["GONE", 4],
      ["gone/too", 1],
    ]);
    const watcher = watch().subscribe({ names: ["A", "B", "C", "GONE"], prefixes: ["gone/"], knownVersions });
    const told = await watcher.untilSynced();
    expect(told.toSorted()).toEqual(["initial B@2=2 C@1=1", "removal GONE", "removal gone/too", "synced"]);
  });

  it("adds and takes away while it goes on", async () => {
    const { client, watch } = await open(manager);
    const watcher = watch().subscribe({ names: ["A"] });
    await watcher.untilSynced();
    await client.writeSecret({ name: "B", payload: "1" });
    watcher.subscribe({ names: ["B"] });
    expect(await watcher.untilSynced()).toEqual(["initial B@1=1", "synced"]);
    watcher.say({ $case: "unsubscribe", value: { names: ["A"], prefixes: [] } });
    watcher.subscribe({ names: ["C"] });
    await watcher.untilSynced();
    await client.writeSecret({ name: "A", payload: "1" });
    await client.writeSecret({ name: "C", payload: "1" });
    expect(await watcher.until(is("change C@1=1"))).toEqual(["change C@1=1"]);
  });

  it("says that it is alive, and since when everything is current", async () => {
    const { watch } = await open(manager);
    const before = Date.now();
    const watcher = watch().subscribe({ names: ["A"] });
    await watcher.until(is("heartbeat"));
    await watcher.until(is("heartbeat"));
    const event = watcher.told.at(-1)?.event;
    if (event?.$case !== "heartbeat") throw new Error("no heartbeat");
    expect(Number(event.value.currentTime?.seconds)).toBeGreaterThanOrEqual(Math.floor(before / 1_000));
  });

  it("sends a slow watcher the newest, and no queue of what came before", async () => {
    const { client, watch } = await open(manager);
    const big = "x".repeat(200_000);
    const watcher = watch().subscribe({ names: ["A"] });
    await watcher.untilSynced();
    watcher.pause();
    for (let index = 1; index <= 60; index += 1)
      await client.writeSecret({ name: "A", payload: `${String(index)}${big}` });
    watcher.resume();
    const told = await watcher.until(is(`change A@60=60${big}`));
    expect(told.length).toBeLessThan(50);
  });

  it("ends delivery when the right is taken away, and begins again when it is given back", async () => {
    const { client, watch, allow } = await open(manager);
    await client.writeSecret({ name: "A", payload: "a1" });
    await client.writeSecret({ name: "B", payload: "b1" });
    const watcher = watch().subscribe({ names: ["A", "B"] });
    await watcher.untilSynced();
    await allow("access_mode: read_and_write, hosted_keys: [B]");
    expect(await watcher.until(is("removal A"))).toEqual(["removal A"]);
    await client.writeSecret({ name: "B", payload: "b2" });
    expect(await watcher.until(is("change B@2=b2"))).toEqual(["change B@2=b2"]);
    await allow("access_mode: read_and_write");
    expect(await watcher.until(is("change A@1=a1"))).toEqual(["change A@1=a1"]);
  });

  it("puts on record what it sends before it sends it, and no value", async () => {
    const { broker, client, watch } = await open(manager);
    await client.writeSecret({ name: "A", payload: "canary-a1" });
    const watcher = watch().subscribe({ names: ["A"], prefixes: ["x/"] });
    await watcher.untilSynced();
    await client.writeSecret({ name: "A", payload: "canary-a2" });
    await watcher.until(is("change A@2=canary-a2"));
    const audit = await readFile(broker.auditFile, "utf8");
    const watched = audit.split("\n").filter((line) => line.includes('"action":"watch"'));
    expect(watched.map((line) => JSON.parse(line) as { name?: string; version?: number })).toMatchObject([
      { outcome: "ok" },
      { name: "A", version: 1, outcome: "ok" },
      { name: "A", version: 2, outcome: "ok" },
    ]);
    expect(audit).not.toContain("canary");
  });

  it("ends with the broker, at once", async () => {
    const { broker } = await open(manager);
    const watcher = new Watcher(broker.address).subscribe({ names: ["A"] });
    await watcher.untilSynced();
    const stopping = broker.stop();
    cleanups.splice(0, 1);
    expect(await watcher.end()).toBe("14 MANAGER_UNAVAILABLE");
    await stopping;
  });
});

describe("a watch", () => {
  it.each([
    ["nothing", undefined, "3 FIELD_INVALID"],
    ["no names", { names: [] }, "3 FIELD_INVALID"],
    ["an unsafe name", { names: ["../x"] }, "3 FIELD_INVALID"],
    ["too many names", { names: Array.from({ length: 1_001 }, (_, index) => `N${String(index)}`) }, "3 FIELD_INVALID"],
    ["a generation without its version", { names: ["A"], knownUids: new Map([["A", "u"]]) }, "3 FIELD_INVALID"],
    ["a name that is not hosted", { names: ["A", "SECRET"] }, "5 KEY_NOT_HOSTED"],
  ])("of %s is refused", async (_what, subscription, expected) => {
    const config = configWith("{ kind: memory }", "access_mode: read_only, hosted_keys: [A]");
    const broker = await startBroker({ config });
    cleanups.push(() => broker.stop());
    const watcher = new Watcher(broker.address);
    if (subscription === undefined) watcher.say(undefined);
    else watcher.subscribe(subscription);
    expect(await watcher.end()).toBe(expected);
  });

  it("of a prefix shows only what may be watched", async () => {
    const config = configWith("{ kind: sqlite, path: s.db }", "access_mode: read_and_write, hosted_keys: [t/a, t/b]");
    const broker = await startBroker({ config });
    cleanups.push(() => broker.stop());
    const client = new SecretBrokerClient(broker.address);
    await client.writeSecret({ name: "t/a", payload: "1" });
    const watcher = new Watcher(broker.address).subscribe({ prefixes: [""] });
    cleanups.push(() => watcher.leave());
    expect(await watcher.untilSynced()).toEqual(["initial t/a@1=1", "synced"]);
    await client.writeSecret({ name: "t/b", payload: "2" });
    expect(await watcher.until(is("change t/b@1=2"))).toEqual(["change t/b@1=2"]);
    client.close();
  });

  it("of a manager without revisions cannot be resumed by one, and says how often it asks", async () => {
    const { watch } = await open("{ kind: memory }");
    const watcher = watch().subscribe({ names: ["A"] });
    await watcher.untilSynced();
    expect(watcher.told.at(-1)?.event).toMatchObject({
      $case: "syncMarker",
      value: { revision: 0n, pollInterval: { seconds: 0n, nanos: 100_000_000 } },
    });
    expect(
      await new Watcher((await open("{ kind: memory }")).broker.address)
        .subscribe({ names: ["A"], resumeRevision: 5n })
        .end(),
    ).toBe("11 REVISION_COMPACTED");
  });
});

describe("a watch of the store", () => {
  const store = "{ kind: sqlite, path: secrets.db }";

  it("is resumed without a loss and without a repetition", async () => {
    const { client, watch } = await open(store);
    for (const name of ["A", "B", "C", "D"]) await client.writeSecret({ name, payload: "1" });
    const first = watch().subscribe({ prefixes: [""] });
    await first.untilSynced();
    const { revision } = first;
    await first.leave();
    cleanups.pop();
    await client.writeSecret({ name: "A", payload: "2" });
    await client.writeSecret({ name: "A", payload: "3" });
    await client.deleteSecret({ name: "B" });
    await client.deleteSecret({ name: "C" });
    await client.writeSecret({ name: "C", payload: "another generation" });
    await client.writeSecret({ name: "E", payload: "1" });
    const knownVersions = new Map([
      ["A", 1],
      ["B", 1],
      ["C", 1],
      ["D", 1],
    ]);
    const second = watch().subscribe({ prefixes: [""], resumeRevision: revision, knownVersions });
    expect((await second.untilSynced()).toSorted()).toEqual(
      ["change A@3=3", "change C@1=another generation", "change E@1=1", "removal B", "synced"].toSorted(),
    );
    expect(second.revision).toBeGreaterThan(revision);
  });

  it("that is resumed names nothing that may not be watched, but what the watcher says it has", async () => {
    const { client, watch, allow } = await open(store);
    for (const name of ["t/a", "t/hidden", "t/had", "t/unchanged"]) await client.writeSecret({ name, payload: "1" });
    const first = watch().subscribe({ names: ["t/a"] });
    await first.untilSynced();
    const { revision } = first;
    for (const name of ["t/a", "t/hidden", "t/had"]) await client.writeSecret({ name, payload: "2" });
    await allow("access_mode: read_and_write, hosted_keys: [t/a]");
    const reasonOf = async (): Promise<unknown> =>
      await client.readSecret({ name: "t/hidden" }).then(
        () => "read",
        (error: unknown) => (error as SecretError).reason,
      );
    await expect.poll(reasonOf).toBe("KEY_NOT_HOSTED");
    const knownVersions = new Map(["t/a", "t/had", "t/unchanged", "t/never"].map((name) => [name, 1] as const));
    const told = await watch()
      .subscribe({ prefixes: [""], resumeRevision: revision, knownVersions })
      .untilSynced();
    expect(told).toEqual(["change t/a@2=2", "removal t/had", "removal t/unchanged", "removal t/never", "synced"]);
    expect(
      await watch()
        .subscribe({ prefixes: [""], resumeRevision: revision })
        .untilSynced(),
    ).toEqual(["change t/a@2=2", "synced"]);
  });

  it("tells a version of another generation by its uid", async () => {
    const { client, watch } = await open(store);
    const { uid = "" } = await client.writeSecret({ name: "A", payload: "1" });
    await client.deleteSecret({ name: "A" });
    await client.writeSecret({ name: "A", payload: "another" });
    const known = { names: ["A"], knownVersions: new Map([["A", 1]]) };
    expect(await watch().subscribe(known).untilSynced()).toEqual(["synced"]);
    const knownUids = new Map([["A", uid]]);
    expect(
      await watch()
        .subscribe({ ...known, knownUids })
        .untilSynced(),
    ).toEqual(["initial A@1=another", "synced"]);
  });

  it("from a revision that is not known is refused", async () => {
    const { broker, client } = await open(store);
    await client.writeSecret({ name: "A", payload: "1" });
    const watcher = new Watcher(broker.address).subscribe({ names: ["A"], resumeRevision: 999n });
    expect(await watcher.end()).toBe("11 REVISION_COMPACTED");
  });

  it("takes away what expires", async () => {
    const { client, watch } = await open(store);
    await client.writeSecret({ name: "A", payload: "1", expireTime: new Date(Date.now() + 400) });
    const watcher = watch().subscribe({ names: ["A"] });
    expect(await watcher.untilSynced()).toEqual(["initial A@1=1", "synced"]);
    expect(await watcher.until(is("removal A"))).toEqual(["removal A"]);
  });

  it("serves many watchers of many secrets through many changes", async () => {
    const { client, watch } = await open(store);
    const names = Array.from({ length: 30 }, (_, index) => `N${String(index)}`);
    const watchers = Array.from({ length: 20 }, (_, index) =>
      watch().subscribe(index % 2 === 0 ? { names } : { prefixes: ["N"] }),
    );
    for (const watcher of watchers) await watcher.untilSynced();
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(names.map((name) => client.writeSecret({ name, payload: String(round) })));
    }
    for (const watcher of watchers) {
      const state = (): readonly (string | undefined)[] => names.map((name) => watcher.textOf(name));
      await expect.poll(state, { timeout: 10_000 }).toEqual(names.map(() => "4"));
    }
  });
});
