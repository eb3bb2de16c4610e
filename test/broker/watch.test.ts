import { describe, expect, it, onTestFinished } from "vitest";
import type { Subscription, WatchMessage } from "../../src/broker/watch/watch-messages.js";
import { Call } from "../../src/broker/call.js";
import { SecretError } from "../../src/domain/secret-error.js";
import { nameOf, openBroker, type OpenBrokerOptions } from "./open-broker.js";
import { A, changed, type Running, ScriptedManager, synced, watch, watchingA } from "./scripted-watch.js";

const kindsOf = ({ messages }: Running): string[] => messages.map(({ kind }) => kind);

describe("a manager that tells of changes", () => {
  it("is asked from now on, once for all who watch, and not before somebody does", async () => {
    const { manager, messages } = await watchingA();
    expect(manager.begun).toEqual([undefined]);
    expect(messages).toMatchObject([{ kind: "initial" }, { kind: "synced", revision: 5n, pollIntervalMs: undefined }]);
    manager.put("A", "a2", 2);
    manager.tell(changed("A", 6n));
    await expect.poll(() => messages.at(-1)).toMatchObject({ kind: "change", revision: 6n, secret: { version: 2 } });
  });

  it("that breaks off is asked where it stopped", async () => {
    const { manager, messages } = await watchingA();
    manager.break(new Error("gone"));
    await expect.poll(() => manager.begun.length).toBe(2);
    expect(manager.begun).toEqual([undefined, 5n]);
    manager.put("A", "a2", 2);
    manager.tell(changed("A", 6n), synced(6n));
    await expect.poll(() => messages.at(-1)).toMatchObject({ kind: "change", revision: 6n });
  });

  it.each([
    ["has forgotten where it stopped", 5n, new SecretError("REVISION_COMPACTED", "gone")],
    ["keeps no revisions", 0n, new Error("gone")],
  ])("that %s has everything looked at again", async (_what, revision, thrown) => {
    const running = await watchingA();
    const { manager, messages } = running;
    manager.tell(synced(revision));
    manager.break(thrown);
    await expect.poll(() => manager.begun.at(-1), { timeout: 3_000 }).toBe(undefined);
    await expect.poll(() => manager.begun.length, { timeout: 3_000 }).toBeGreaterThan(1);
    // It was not told.
    manager.put("A", "a2", 2);
    manager.tell(synced(revision));
    await expect.poll(() => messages.at(-1)).toMatchObject({ kind: "change", secret: { version: 2 } });
  });

  it("that cannot be asked refuses whoever begins to watch", async () => {
    const manager = new ScriptedManager();
    const running = watch(manager);
    await expect.poll(() => manager.begun.length).toBe(1);
    const subscribing = running.subscribe({ names: [A] });
    manager.break(new Error("canary: down"));
    await subscribing;
    expect(await running.ended).toMatchObject({
      reason: "MANAGER_UNAVAILABLE",
      message: expect.not.stringContaining("canary") as string,
    });
  });

  it.each([
    ["no object", 7],
    ["no kind", { revision: 6n }],
    ["another kind", { kind: "told", revision: 6n }],
    ["a number as its revision", { kind: "synced", revision: 6 }],
    ["a negative revision", { kind: "synced", revision: -1n }],
    ["no secret", { kind: "changed", revision: 6n }],
    ["a secret without a name", { kind: "changed", revision: 6n, secret: {} }],
    ["no time up to which it is current", { kind: "current", revision: 6n }],
    ["a time that is none", { kind: "current", revision: 6n, asOf: new Date(NaN) }],
    ["a negative interval", { kind: "synced", revision: 6n, pollIntervalMs: -1 }],
  ])("is distrusted: an event with %s breaks it off", async (_what, event) => {
    const { manager, messages, lines } = await watchingA();
    manager.tell(event);
    await expect.poll(() => manager.begun.length).toBe(2);
    manager.put("A", "a2", 2);
    manager.tell(changed("A", 6n), synced(6n));
    await expect.poll(() => messages.at(-1)).toMatchObject({ kind: "change" });
    expect(lines.join()).toContain("invalid reply to watch");
  });

  it("may tell of names that nobody could ask for", async () => {
    const { manager, messages } = await watchingA();
    manager.put("A", "a2", 2);
    manager.tell(changed("../x", 6n), changed("A", 7n));
    await expect.poll(() => messages.at(-1)).toMatchObject({ kind: "change", revision: 7n });
  });

  it("stays without an iterator, and whoever watches is told", async () => {
    const manager = new ScriptedManager();
    Object.defineProperty(manager, "watchSecrets", { value: () => 7 });
    const running = watch(manager);
    await running.subscribe({ names: [A] });
    expect(await running.ended).toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
  });
});

describe("a sync marker", () => {
  it("says that everything up to its revision was sent, of what was subscribed before too", async () => {
    const { manager, messages, subscribe, hold } = await watchingA();
    const release = hold();
    const first = subscribe({ names: [nameOf("B")] });
    await expect.poll(() => messages.length).toBe(3);
    manager.put("A", "a2", 2);
    manager.tell(changed("A", 6n));
    const second = subscribe({ names: [nameOf("C")] });
    // Once it is known, and before it can be sent.
    await new Promise((resolve) => setTimeout(resolve, 20));
    release();
    await Promise.all([first, second]);
    expect(messages.slice(3)).toMatchObject([
      { kind: "change", revision: 6n, secret: { name: "A", version: 2 } },
      { kind: "synced", revision: 6n },
    ]);
  });

  it("leaves out what could not be read yet", async () => {
    const { manager, messages, lines, subscribe } = await watchingA();
    manager.put("A", "a2", 2);
    manager.failing.add("A");
    manager.tell(changed("A", 6n));
    await expect.poll(() => lines.join()).toContain("the manager failed");
    await subscribe({ names: [nameOf("B")] });
    expect(messages.at(-1)).toMatchObject({ kind: "synced", revision: 5n });
    manager.failing.clear();
    await expect.poll(() => messages.at(-1), { timeout: 5_000 }).toMatchObject({ kind: "change", revision: 6n });
  });
});

describe("a heartbeat", () => {
  it("comes on a clock, however much else is sent", async () => {
    const heartbeatMs = 100;
    const running = await watchingA({
      settings: { watch: { heartbeatMs, pollIntervalMs: 1_000, readTimeoutMs: 5_000, concurrency: 4 } },
    });
    const beats = (): WatchMessage[] => running.messages.filter(({ kind }) => kind === "heartbeat");
    for (let version = 2; beats().length < 3 && version < 5_000; version += 1) {
      running.manager.put("A", `a${String(version)}`, version);
      running.manager.tell(changed("A", BigInt(version + 4)));
      await new Promise((resolve) => setTimeout(resolve, heartbeatMs / 20));
    }
    expect(beats().length).toBeGreaterThanOrEqual(3);
    // Each says what was sent before it, so that nothing is lost when the stream is resumed from there.
    let sent = 5n;
    for (const message of running.messages.slice(2)) {
      if (message.kind === "change") sent = message.revision;
      if (message.kind === "heartbeat") expect(message.revision).toBeLessThanOrEqual(sent);
    }
  });
});

describe("those who are told of one change", () => {
  async function readsOf(manager: ScriptedManager): Promise<readonly string[]> {
    const { broker, watches } = openBroker(manager);
    const told: string[] = [];
    const subscription: Subscription = { names: [A], prefixes: [], known: new Map(), resumeRevision: 0n };
    const subscribed = Array.from({ length: 50 }, (_, index) => {
      const caller = { principal: `watcher-${String(index)}`, groups: [], provenBy: "none", peer: "unix" } as const;
      const call = new Call({ caller, requestId: "w", deadlineMs: Infinity });
      const { watch: own, run } = broker.watchSecrets(call, (message) => {
        if (message.kind === "change") told.push(`${caller.principal} ${String(message.secret.version)}`);
        return Promise.resolve();
      });
      const ended = run().catch(() => undefined);
      onTestFinished(() => ended);
      return own.subscribe(subscription);
    });
    onTestFinished(() => {
      watches.close();
    });
    await expect.poll(() => manager.begun.length).toBe(1);
    manager.tell(synced(5n));
    await Promise.all(subscribed);
    manager.reads.length = 0;
    manager.put("A", "a2", 2);
    manager.tell(changed("A", 6n));
    await expect.poll(() => told.length).toBe(50);
    expect(new Set(told).size).toBe(50);
    return manager.reads;
  }

  it("share one read where the manager tells all callers the same", async () => {
    const manager = new ScriptedManager();
    Object.defineProperty(manager, "supports", { value: { sharedReads: true } });
    expect(await readsOf(manager)).toEqual(["A"]);
  });

  it("each have their own where it may tell them apart", async () => {
    expect(await readsOf(new ScriptedManager())).toHaveLength(50);
  });
});

describe("a change that cannot be read", () => {
  const often: OpenBrokerOptions = {
    settings: { watch: { heartbeatMs: 20, pollIntervalMs: 1_000, readTimeoutMs: 5_000, concurrency: 4 } },
  };

  it("is read later, and until then nothing is said to be current", async () => {
    const running = await watchingA(often);
    const { manager, messages } = running;
    await expect.poll(() => kindsOf(running)).toContain("heartbeat");
    manager.readFailure = new Error("down");
    manager.put("A", "a2", 2);
    manager.tell(changed("A", 6n));
    const beats = (): WatchMessage[] => messages.filter(({ kind }) => kind === "heartbeat");
    const before = beats().length;
    await expect.poll(() => beats().length).toBeGreaterThan(before + 3);
    const [one, other] = beats().slice(-2);
    expect(one).toEqual(other);
    expect(one).toMatchObject({ revision: 5n });
    manager.readFailure = undefined;
    await expect.poll(() => kindsOf(running), { timeout: 5_000 }).toContain("change");
    await expect.poll(() => messages.at(-1)).toMatchObject({ kind: "heartbeat", revision: 6n });
  });

  it.each(["SECRET_DELETED", "PAYLOAD_CORRUPT", "POLICY_DENIED", "ACCESS_MODE_DENIED", "KEY_NOT_HOSTED"] as const)(
    "as there is only %s is a removal, and stops nothing else",
    async (reason) => {
      const { manager, messages, subscribe } = await watchingA(often);
      manager.readFailure = new SecretError(reason, "no", { metadata: { upstream_reason: reason } });
      manager.tell(changed("A", 6n));
      const newest = (kind: string): WatchMessage | undefined => messages.findLast((message) => message.kind === kind);
      await expect.poll(() => newest("removal")).toMatchObject({ name: "A", revision: 6n });
      await expect.poll(() => messages.at(-1)).toMatchObject({ kind: "heartbeat", revision: 6n });
      await subscribe({ names: [nameOf("B")] });
      expect(newest("synced")).toMatchObject({ revision: 6n });
    },
  );

  it("at the beginning ends the watch with its reason", async () => {
    const running = await watchingA();
    running.manager.readFailure = new SecretError("MANAGER_QUOTA", "not now");
    await running.subscribe({ names: [nameOf("B")] });
    expect(await running.ended).toMatchObject({ reason: "MANAGER_QUOTA" });
  });
});

describe("what a watcher says of a version", () => {
  it("is remembered as long as it has it", async () => {
    const { watch: own, manager, messages } = await watchingA();
    own.acknowledge({ name: A, version: 1 });
    own.acknowledge({ name: nameOf("OTHER"), version: 1 });
    expect([...own.acknowledged]).toEqual([["A", 1]]);
    manager.values.delete("A");
    manager.tell({ kind: "removed", secret: { name: "A" }, revision: 6n });
    await expect.poll(() => messages.at(-1)).toMatchObject({ kind: "removal" });
    expect(own.acknowledged.size).toBe(0);
  });

  it("is logged when it cannot be used", async () => {
    const { watch: own, lines } = await watchingA();
    own.refuse({ name: A, version: 1, code: 3 });
    expect(lines.join()).toContain("a watcher could not use a version");
  });
});
