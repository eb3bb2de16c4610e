import { describe, expect, it } from "vitest";
import type { BatchRead, BatchReadReply, SecretManager } from "../../src/contract/secret-manager.js";
import { SecretError } from "../../src/domain/secret-error.js";
import { liveCall, nameOf, openBroker, type OpenBrokerOptions } from "./open-broker.js";

/** A manager that answers batches as the test says, and keeps what it was asked. */
function batching(answer: (reads: readonly BatchRead[]) => unknown): SecretManager & { readonly asked: BatchRead[][] } {
  const asked: BatchRead[][] = [];
  return {
    managerName: "batching",
    asked,
    readSecret: () => {
      throw new Error("each alone was not asked for");
    },
    batchReadSecrets: (reads) => {
      asked.push([...reads]);
      return answer(reads) as readonly BatchReadReply[];
    },
  };
}

const found = (reads: readonly BatchRead[]): readonly BatchReadReply[] =>
  reads.map(({ name, version = 3 }) => ({ reply: { value: `value of ${name}`, version } }));

async function readAll(
  manager: SecretManager,
  requests: readonly { readonly name: string; readonly version?: number; readonly knownVersion?: number }[],
  options?: OpenBrokerOptions,
): Promise<readonly unknown[]> {
  const { broker } = openBroker(manager, options);
  const items = await broker.batchReadSecrets(
    liveCall(),
    requests.map((request) => ({ ...request, name: nameOf(request.name) })),
    true,
  );
  return items.map((item) => ("error" in item ? item.error.reason : item.read.notModified || item.read.secret.payload));
}

describe("a batch from one point in time", () => {
  it("is asked for at once, with versions by number", async () => {
    const manager = batching(found);
    const requests = [{ name: "A" }, { name: "B", version: 2 }, { name: "C", knownVersion: 3 }];
    expect(await readAll(manager, requests)).toEqual(["value of A", "value of B", true]);
    expect(manager.asked).toHaveLength(1);
    expect(manager.asked[0]?.map(({ name, version }) => [name, version])).toEqual([
      ["A", undefined],
      ["B", 2],
      ["B", undefined],
      ["C", undefined],
    ]);
  });

  it("asks only for what is allowed, and records each", async () => {
    const manager = batching(found);
    const { broker, sink } = openBroker(manager, { access: { hostedKeys: ["A", "C"] } });
    const requests = ["A", "B", "C"].map((name) => ({ name: nameOf(name) }));
    const items = await broker.batchReadSecrets(liveCall(), requests, true);
    expect(items.map((item) => ("error" in item ? item.error.reason : "read"))).toEqual([
      "read",
      "KEY_NOT_HOSTED",
      "read",
    ]);
    expect(manager.asked[0]?.map(({ name }) => name)).toEqual(["A", "C"]);
    expect(sink.records.map(({ name, outcome }) => `${name ?? ""} ${outcome ?? ""}`).toSorted()).toEqual([
      "A ok",
      "B KEY_NOT_HOSTED",
      "C ok",
    ]);
  });

  it("tells a missing version from a missing secret, and lets no failure hide another read", async () => {
    const manager = batching((reads) =>
      reads.map(({ name, version }): BatchReadReply => {
        if (name === "FAILS") return { error: new Error("canary") };
        if (name === "DELETED") return { error: new SecretError("SECRET_DELETED", "deleted") };
        return { reply: name === "NONE" || version === 9 ? undefined : { value: "v", version: version ?? 1 } };
      }),
    );
    const requests = [
      { name: "A" },
      { name: "A", version: 9 },
      { name: "NONE" },
      { name: "NONE", version: 9 },
      { name: "FAILS" },
      { name: "DELETED" },
    ];
    expect(await readAll(manager, requests)).toEqual([
      "v",
      "VERSION_NOT_FOUND",
      "SECRET_NOT_FOUND",
      "SECRET_NOT_FOUND",
      "MANAGER_UNAVAILABLE",
      "SECRET_DELETED",
    ]);
  });

  it.each([
    ["nothing", () => undefined],
    ["too few", () => []],
    ["too many", (reads: readonly BatchRead[]) => [...found(reads), ...found(reads)]],
    ["values without an object around them", () => ["v"]],
    ["another version", () => [{ reply: { value: "v", version: 8 } }, { reply: undefined }]],
    ["numbers", () => [{ reply: 7 }, { reply: 7 }]],
  ])("is refused as a whole when the manager answers with %s", async (_what, answer) => {
    expect(await readAll(batching(answer), [{ name: "A", version: 2 }])).toEqual(["MANAGER_REPLY_INVALID"]);
  });

  it("is refused where the manager cannot", async () => {
    await expect(readAll({ readSecret: () => "v" }, [{ name: "A" }])).rejects.toMatchObject({
      reason: "CAPABILITY_UNSUPPORTED",
      metadata: { capability: "atomic_batch" },
    });
  });
});

describe("a batch of too much", () => {
  const kibibyte = 1_024;
  const room = { settings: { maxBatchBytes: 10 * kibibyte } };
  const advice = "reads must come to at most 10240 bytes of payloads together: ask for fewer at once";
  const large: SecretManager = {
    managerName: "large",
    readSecret: (name) => (name === "NONE" ? undefined : Buffer.alloc(kibibyte)),
    batchReadSecrets: (reads) =>
      reads.map(({ version = 1 }) => ({ reply: { value: Buffer.alloc(kibibyte), version } })),
  };
  const requestsOf = (...names: readonly string[]): { name: ReturnType<typeof nameOf>; knownVersion?: number }[] =>
    names.map((name) => ({ name: nameOf(name) }));

  it.each([
    ["one secret again and again", () => "A"],
    ["many secrets", (_: unknown, index: number) => `N${String(index)}`],
  ])("is read up to the bound, and no further: %s", async (_what, name) => {
    let reads = 0;
    const counting: SecretManager = {
      ...large,
      readSecret: async () => {
        reads += 1;
        await new Promise((resolve) => setImmediate(resolve));
        return Buffer.alloc(kibibyte);
      },
    };
    const { broker, sink } = openBroker(counting, { settings: { ...room.settings, batchConcurrency: 4 } });
    const items = await broker.batchReadSecrets(liveCall(), requestsOf(...Array.from({ length: 1_000 }, name)), false);
    expect(items.filter((item) => "read" in item)).toHaveLength(10);
    const errors = items.flatMap((item) => ("error" in item ? [item.error] : []));
    expect(new Set(errors.map(({ reason, message }) => `${reason} ${message}`))).toEqual(
      new Set([`FIELD_INVALID ${advice}`]),
    );
    expect(reads).toBeLessThan(10 + 4 + 1);
    expect(sink.records.filter(({ outcome }) => outcome === "ok")).toHaveLength(10);
    expect(sink.records.filter(({ outcome }) => outcome === "FIELD_INVALID")).toHaveLength(990);
  });

  it("counts what leaves, exactly", async () => {
    const { broker } = openBroker(
      { ...large, readSecret: () => ({ value: Buffer.alloc(kibibyte), version: 1 }) },
      room,
    );
    const known = requestsOf("K", "L", "M").map((request) => ({ ...request, knownVersion: 1 }));
    const names = Array.from({ length: 10 }, (_, index) => `N${String(index)}`);
    const items = await broker.batchReadSecrets(liveCall(), [...known, ...requestsOf(...names)], false);
    expect(items.every((item) => "read" in item)).toBe(true);
  });

  it("lets what is absent take no room", async () => {
    const { broker } = openBroker(large, room);
    const requests = requestsOf("NONE", ...Array.from({ length: 10 }, () => "A"), "NONE");
    const items = await broker.batchReadSecrets(liveCall(), requests, false);
    const told = items.map((item) => ("error" in item ? item.error.reason : "read"));
    expect(told).toEqual(["SECRET_NOT_FOUND", ...Array.from({ length: 10 }, () => "read"), "SECRET_NOT_FOUND"]);
  });

  it("fails as a whole where all must be of one point in time, each read on record as failed", async () => {
    const { broker, sink } = openBroker(large, room);
    const fitting = requestsOf(...Array.from({ length: 10 }, () => "A"));
    expect(await broker.batchReadSecrets(liveCall(), fitting, true)).toHaveLength(10);
    const begun = sink.records.length;
    const tooMany = [...fitting, ...requestsOf("B")];
    await expect(broker.batchReadSecrets(liveCall(), tooMany, true)).rejects.toMatchObject({
      reason: "FIELD_INVALID",
      message: advice,
    });
    expect(sink.records.slice(begun).map(({ outcome }) => outcome)).toEqual(tooMany.map(() => "FIELD_INVALID"));
  });
});

describe("a batch of single reads", () => {
  it("asks the manager for as many at once as is configured, and no more", async () => {
    let underWay = 0;
    let most = 0;
    const slow: SecretManager = {
      managerName: "slow",
      readSecret: async (name) => {
        underWay += 1;
        most = Math.max(most, underWay);
        await new Promise((resolve) => setImmediate(resolve));
        underWay -= 1;
        return `value of ${name}`;
      },
    };
    const { broker, sink } = openBroker(slow, { settings: { batchConcurrency: 4 } });
    const requests = Array.from({ length: 30 }, (_, index) => ({ name: nameOf(`N${String(index)}`) }));
    const items = await broker.batchReadSecrets(liveCall(), requests, false);
    expect(items.map((item) => ("read" in item ? item.read.secret.payload : "failed"))).toEqual(
      requests.map(({ name }) => `value of ${name}`),
    );
    expect(most).toBe(4);
    expect(sink.records.map(({ name }) => name).toSorted()).toEqual(requests.map(({ name }) => name).toSorted());
  });
});
