import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { StoreChange } from "../../../src/client/index.js";
import { configWith, setUpStore, sqlite, type StoreSetup } from "./open-store.js";

let setup: StoreSetup | undefined;
afterEach(async () => {
  await setup?.end();
  setup = undefined;
});

async function setUp(...parameters: Parameters<typeof setUpStore>): Promise<StoreSetup> {
  setup = await setUpStore(...parameters);
  return setup;
}

describe("declared secrets", () => {
  it("are there when the store is", async () => {
    const { open } = await setUp({ A: "a1", B: Uint8Array.of(0, 255) });
    const store = await open({ secrets: ["A", "B"] });
    expect(store.get("A")).toBe("a1");
    expect(store.getBytes("B")).toEqual(Uint8Array.of(0, 255));
    expect(store.answer("A")).toMatchObject({ name: "A", payload: "a1", version: 1, servedFrom: "cache" });
    expect(store.answer("A").ageMs).toBeLessThan(10_000);
    expect([store.has("A"), store.has("C")]).toEqual([true, false]);
  });

  it("are waited for until they are written", async () => {
    const { open, client } = await setUp({ A: "a1" });
    const opening = open({ secrets: ["A", "LATE"] });
    await client.writeSecret({ name: "LATE", payload: "now" });
    expect((await opening).get("LATE")).toBe("now");
  });

  it("that are not there in time are named with what keeps them away", async () => {
    const { open } = await setUp(
      { A: "a1" },
      configWith(sqlite, "access_mode: read_and_write, hosted_keys: [A, GONE]"),
    );
    await expect(open({ secrets: ["A", "GONE", "FOREIGN"], startTimeoutMs: 300 })).rejects.toMatchObject({
      reason: "SECRET_NOT_FOUND",
      message: '2 of 3 secrets were not there within 300 ms: "GONE" (SECRET_NOT_FOUND), "FOREIGN" (KEY_NOT_HOSTED)',
      metadata: { GONE: "SECRET_NOT_FOUND", FOREIGN: "KEY_NOT_HOSTED" },
    });
  });

  it("of a broker that is not there are named too", async () => {
    const { open } = await setUp();
    const address = "unix:/nonexistent/broker.sock";
    await expect(open({ address, secrets: ["A"], startTimeoutMs: 300 })).rejects.toMatchObject({
      reason: "MANAGER_UNAVAILABLE",
      message: '1 of 1 secrets were not there within 300 ms: "A" (MANAGER_UNAVAILABLE)',
    });
  });

  it("must have names, and the store settings that make sense", async () => {
    const { open } = await setUp();
    await expect(open({ secrets: ["A", "a//b"] })).rejects.toThrow("secrets[1] must not contain an empty path segment");
    await expect(open({ maxStalenessMs: 0, maxEntries: -1, freshForMs: 5 })).rejects.toMatchObject({
      violations: [{ field: "maxStalenessMs" }, { field: "maxEntries" }, { field: "freshForMs" }],
    });
  });
});

describe.each([
  ["the store", sqlite],
  ["a manager that is polled", "{ kind: memory }"],
])("changes of %s", (_which, manager) => {
  it("arrive by themselves, are told, and are acknowledged", async () => {
    const { open, client } = await setUp({ A: "a1" }, configWith(manager));
    const store = await open({ secrets: ["A"] });
    const told: StoreChange[] = [];
    const off = store.onChange((change) => told.push(change));
    const iterated = store.changes();
    const first = iterated.next();
    const acknowledged = async (): Promise<unknown> =>
      (await client.administration.listConsumers({ name: "A" })).consumers.map(({ acknowledgedVersions }) =>
        acknowledgedVersions.get("A"),
      );
    await expect.poll(acknowledged).toEqual([1]);
    await client.writeSecret({ name: "A", payload: "a2" });
    await expect.poll(() => store.get("A")).toBe("a2");
    expect(told).toMatchObject([{ kind: "changed", name: "A", version: 2 }]);
    expect(await first).toMatchObject({ value: { kind: "changed", name: "A", version: 2 } });
    await expect.poll(acknowledged).toEqual([2]);
    off();
    await client.deleteSecret({ name: "A" });
    await expect.poll(() => store.has("A")).toBe(false);
    expect(() => store.get("A")).toThrow(/"A" is gone: it was deleted or frozen/);
    expect(told).toHaveLength(1);
    expect(await iterated.next()).toMatchObject({ value: { kind: "removed", name: "A" } });
    store.close();
    expect(await iterated.next()).toMatchObject({ done: true });
  });
});

describe("revocation", () => {
  it("takes a frozen secret away, and confirms that", async () => {
    const { open, client } = await setUp({ A: "a1" });
    const store = await open({ secrets: ["A"] });
    const watched = async (): Promise<number> =>
      (await client.administration.listConsumers({ name: "A" })).consumers.length;
    await expect.poll(watched).toBe(1);
    expect(await client.administration.freezeSecret({ name: "A", cause: "leaked" })).toEqual({
      acknowledgedCaches: 1,
      pendingCaches: 0,
    });
    // The broker answers after the store has confirmed, and the store confirms after it has dropped the value.
    expect(() => store.get("A")).toThrow(expect.objectContaining({ reason: "SECRET_NOT_FOUND" }));
    await client.administration.unfreezeSecret({ name: "A" });
    await expect.poll(() => store.has("A")).toBe(true);
  });

  it("takes away what may not be read any more", async () => {
    const { open, broker } = await setUp({ A: "a1" });
    const store = await open({ secrets: ["A"] });
    const narrowed = configWith(sqlite, "access_mode: read_and_write, hosted_keys: [B]");
    await writeFile(join(broker.directory, "config.yaml"), narrowed);
    await expect.poll(() => store.has("A"), { timeout: 10_000 }).toBe(false);
    await expect(store.read("A", { maxStalenessMs: 0 })).rejects.toMatchObject({ reason: "KEY_NOT_HOSTED" });
  });

  it("takes away what was destroyed", async () => {
    const { open, client } = await setUp({ A: "a1" });
    const store = await open({ secrets: ["A"] });
    const { uid } = store.answer("A");
    await client.destroySecret({ name: "A", uid });
    await expect.poll(() => store.has("A")).toBe(false);
  });
});

describe("a secret that may be read and not watched", () => {
  const policies = `${configWith(sqlite)}
  policies:
    - { name: fill, principals: [local], actions: [read, write, delete, administer], names: ["**"] }
    - { name: watch, principals: [local], actions: [watch], names: [A, C] }
`;

  it("is asked for again and again, and keeps no other from being watched", async () => {
    const { open, client } = await setUp({ A: "a1", B: "b1", C: "c1" }, policies);
    const problems: string[] = [];
    const onProblem = ({ reason }: { readonly reason: string }): number => problems.push(reason);
    const store = await open({ secrets: ["B", "A", "C"], pollIntervalMs: 100, onProblem });
    const watched = async (): Promise<unknown> => {
      const { consumers } = await client.administration.listConsumers();
      return consumers.map(({ acknowledgedVersions }) => [...acknowledgedVersions.keys()].sort());
    };
    await expect.poll(watched, { timeout: 5_000 }).toEqual([["A", "C"]]);
    for (const name of ["A", "B", "C"]) await client.writeSecret({ name, payload: "new" });
    for (const name of ["A", "B", "C"]) await expect.poll(() => store.get(name)).toBe("new");
    await client.deleteSecret({ name: "B" });
    await expect.poll(() => store.has("B")).toBe(false);
    expect(() => store.get("B")).toThrow(expect.objectContaining({ reason: "SECRET_DELETED" }));
    expect(problems).toEqual(["POLICY_DENIED"]);
  });
});

describe("other secrets", () => {
  it("are asked for once, and kept fresh from then on", async () => {
    const { open, client } = await setUp({ A: "a1", B: "b1" });
    const store = await open({ secrets: ["A"] });
    expect(() => store.get("B")).toThrow(/"B" is not at hand: declare it in secrets, or read it first/);
    expect(await store.read("B")).toMatchObject({ payload: "b1", servedFrom: "manager" });
    expect(await store.read("B")).toMatchObject({ payload: "b1", servedFrom: "cache" });
    await client.writeSecret({ name: "B", payload: "b2" });
    await expect.poll(() => store.get("B")).toBe("b2");
  });

  it("are read and kept by a store that accepts them for longer than a broker can be asked", async () => {
    const { open, client } = await setUp({ B: "b1" });
    const store = await open({ maxStalenessMs: 30 * 86_400_000 });
    expect(await store.read("B")).toMatchObject({ payload: "b1" });
    await client.writeSecret({ name: "B", payload: "b2" });
    await expect.poll(() => store.get("B")).toBe("b2");
  });

  it("are believed to be absent for a while only", async () => {
    const { open, client } = await setUp();
    const store = await open({ negativeTtlMs: 60_000 });
    await expect(store.read("B")).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
    await client.writeSecret({ name: "B", payload: "b1" });
    await expect(store.read("B")).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
    expect(await store.read("B", { maxStalenessMs: 0 })).toMatchObject({ payload: "b1" });
  });

  it("are given up for others when there is no room", async () => {
    const { open } = await setUp({ A: "a", B: "b", C: "c", BIG: "x".repeat(100) });
    const store = await open({ secrets: ["A"], maxEntries: 2, maxBytes: 50 });
    for (const name of ["B", "C"]) await store.read(name);
    expect(await store.read("BIG")).toMatchObject({ payload: "x".repeat(100), servedFrom: "manager" });
    expect(["A", "BIG"].map((name) => store.has(name))).toEqual([true, false]);
  });

  it("are bytes of the reader's own", async () => {
    const { open } = await setUp({ A: Uint8Array.of(1, 2, 3) });
    const store = await open({ secrets: ["A"] });
    store.getBytes("A").fill(9);
    const { payload } = store.answer("A");
    expect(payload).toEqual(Uint8Array.of(1, 2, 3));
    expect(() => store.get("A")).toThrow('"A" holds bytes: use getBytes');
    store.close();
    expect(payload).toEqual(Uint8Array.of(1, 2, 3));
    expect(() => store.get("A")).toThrow("the store is closed");
    await expect(store.read("A")).rejects.toThrow("the store is closed");
  });
});
