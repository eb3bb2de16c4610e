import { describe, expect, it } from "vitest";
import type { SecretManager, WriteOptions } from "../../src/contract/secret-manager.js";
import type { Payload } from "../../src/domain/payload.js";
import { liveCall, nameOf, openBroker } from "./open-broker.js";

interface Stored {
  readonly value: Payload;
  readonly options: WriteOptions;
}

/** What may go wrong: the how-manieth call of a member throws, before it does its work or after. */
interface Failing {
  readonly member: "read" | "write" | "delete";
  readonly nth: number;
  readonly when: "before" | "after";
}

/** The reference's in-memory class: no rotation of its own, nothing but a map. */
class PlainStore implements SecretManager {
  readonly stored = new Map<string, Stored>();
  readonly asked: string[] = [];
  failing: Failing | undefined;
  onWrite: (value: Payload) => Payload = (value) => value;

  readSecret(
    name: string,
  ): { value: Payload; description?: string | undefined; tags?: WriteOptions["tags"] } | undefined {
    return this.#step("read", name, () => {
      const found = this.stored.get(name);
      return found && { value: found.value, description: found.options.description, tags: found.options.tags };
    });
  }

  writeSecret(name: string, value: Payload, options: WriteOptions): void {
    this.#step("write", name, () => void this.stored.set(name, { value: this.onWrite(value), options }));
  }

  deleteSecret(name: string): boolean {
    return this.#step("delete", name, () => this.stored.delete(name));
  }

  #step<T>(member: Failing["member"], name: string, act: () => T): T {
    const nth = this.asked.filter((asked) => asked.startsWith(member)).length + 1;
    this.asked.push(`${member} ${name}`);
    const fails = this.failing?.member === member && this.failing.nth === nth;
    if (fails && this.failing?.when === "before") throw new Error("before");
    const result = act();
    if (fails) throw new Error("after");
    return result;
  }

  value(name: string): Payload | undefined {
    return this.stored.get(name)?.value;
  }
}

function openStore(): { store: PlainStore; rotate: (newName: string, payload?: Payload) => Promise<unknown> } {
  const store = new PlainStore();
  store.stored.set("OLD", { value: "old", options: { description: "d", tags: { a: "1" } } });
  const { broker } = openBroker(store);
  return {
    store,
    rotate: (newName, payload = "new") =>
      broker.rotateSecret(liveCall(), { name: nameOf("OLD"), newName: nameOf(newName), payload }),
  };
}

describe("an emulated rotation under the same name", () => {
  it("leaves the new value under the name, which the reference's loses", async () => {
    const { store, rotate } = openStore();
    await rotate("OLD");
    expect([...store.stored]).toEqual([["OLD", { value: "new", options: { description: "d", tags: { a: "1" } } }]]);
    expect(store.asked).toEqual(["read OLD", "write OLD"]);
  });

  it.each<Failing>([
    { member: "read", nth: 1, when: "before" },
    { member: "write", nth: 1, when: "before" },
    { member: "write", nth: 1, when: "after" },
  ])("loses nothing when it fails: %j", async (failing) => {
    const { store, rotate } = openStore();
    store.failing = failing;
    await expect(rotate("OLD")).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    expect(store.value("OLD")).toBe(failing.when === "after" ? "new" : "old");
    await rotate("OLD");
    expect(store.value("OLD")).toBe("new");
  });
});

describe("an emulated rotation to a new name", () => {
  it("writes, reads back, and only then deletes the old name; description and tags carry over", async () => {
    const { store, rotate } = openStore();
    await rotate("NEW");
    expect(store.asked).toEqual(["read OLD", "read NEW", "write NEW", "read NEW", "delete OLD"]);
    expect([...store.stored]).toEqual([["NEW", { value: "new", options: { description: "d", tags: { a: "1" } } }]]);
  });

  it("carries bytes over exactly", async () => {
    const { store, rotate } = openStore();
    await rotate("NEW", Uint8Array.of(0xff, 0));
    expect(store.value("NEW")).toEqual(Uint8Array.of(0xff, 0));
  });

  const steps: readonly Failing[] = [
    { member: "read", nth: 1, when: "before" },
    { member: "read", nth: 2, when: "before" },
    { member: "write", nth: 1, when: "before" },
    { member: "write", nth: 1, when: "after" },
    { member: "read", nth: 3, when: "before" },
    { member: "delete", nth: 1, when: "before" },
    { member: "delete", nth: 1, when: "after" },
  ];

  it.each(steps)("keeps a readable secret when it fails, and can be repeated: %j", async (failing) => {
    const { store, rotate } = openStore();
    store.failing = failing;
    await expect(rotate("NEW")).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    const isDeleted = failing.member === "delete" && failing.when === "after";
    expect(store.value(isDeleted ? "NEW" : "OLD")).toBe(isDeleted ? "new" : "old");
    store.failing = undefined;
    if (isDeleted) {
      await expect(rotate("NEW")).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
    } else {
      await rotate("NEW");
    }
    expect([...store.stored.keys()]).toEqual(["NEW"]);
    expect(store.value("NEW")).toBe("new");
  });

  it("resumes after a deletion that failed without writing again", async () => {
    const { store, rotate } = openStore();
    store.failing = { member: "delete", nth: 1, when: "before" };
    await expect(rotate("NEW")).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    store.asked.length = 0;
    store.failing = undefined;
    await rotate("NEW");
    expect(store.asked).toEqual(["read OLD", "read NEW", "read NEW", "delete OLD"]);
  });

  it.each<[string, (value: Payload) => Payload]>([
    ["another value", () => "other"],
    ["a value cut short", (value) => (typeof value === "string" ? value.slice(0, -1) : value)],
    ["a value with a line end added", (value) => `${String(value)}\n`],
    ["no value", () => ""],
  ])("deletes nothing when %s reads back", async (_label, onWrite) => {
    const { store, rotate } = openStore();
    store.onWrite = onWrite;
    await expect(rotate("NEW")).rejects.toMatchObject({ reason: "PAYLOAD_CORRUPT", metadata: { name: "NEW" } });
    expect(store.value("OLD")).toBe("old");
    expect(store.asked).not.toContain("delete OLD");
  });

  it("deletes nothing when nothing reads back", async () => {
    const { store, rotate } = openStore();
    store.writeSecret = (name) => void store.asked.push(`write ${name}`);
    await expect(rotate("NEW")).rejects.toMatchObject({ reason: "PAYLOAD_CORRUPT" });
    expect(store.value("OLD")).toBe("old");
  });

  it("refuses a name that holds another value, and leaves both", async () => {
    const { store, rotate } = openStore();
    store.stored.set("NEW", { value: "taken", options: {} });
    await expect(rotate("NEW")).rejects.toMatchObject({ reason: "SECRET_EXISTS", metadata: { name: "NEW" } });
    expect([store.value("OLD"), store.value("NEW")]).toEqual(["old", "taken"]);
    expect(store.asked).toEqual(["read OLD", "read NEW"]);
  });

  it("never runs over what another writer puts there meanwhile, where the manager knows preconditions", async () => {
    const { store, rotate } = openStore();
    const expectations: unknown[] = [];
    Object.assign(store, { supports: { preconditions: true } });
    const { broker } = openBroker(store);
    store.writeSecret = (_name, _value, options) => void expectations.push(options.expectedVersion);
    const work = broker.rotateSecret(liveCall(), { name: nameOf("OLD"), newName: nameOf("NEW"), payload: "new" });
    await expect(work).rejects.toMatchObject({ reason: "PAYLOAD_CORRUPT" });
    expect(expectations).toEqual([0]);
    expect(rotate).toBeDefined();
  });
});

describe("an emulated rotation that cannot be", () => {
  it("of an absent secret writes nothing", async () => {
    const { store, rotate } = openStore();
    store.stored.clear();
    for (const newName of ["OLD", "NEW"]) {
      await expect(rotate(newName)).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
    }
    expect(store.stored.size).toBe(0);
  });

  it.each([
    ["writeSecret", "OLD", "write"],
    ["writeSecret", "NEW", "write"],
    ["deleteSecret", "NEW", "delete"],
  ])("without %s, to the name %s, is refused before anything is touched", async (member, newName, capability) => {
    const store = new PlainStore();
    Object.defineProperty(store, member, { value: undefined });
    const { broker } = openBroker(store);
    const work = broker.rotateSecret(liveCall(), { name: nameOf("OLD"), newName: nameOf(newName), payload: "new" });
    await expect(work).rejects.toMatchObject({
      reason: "CAPABILITY_UNSUPPORTED",
      message: `PlainStore does not support ${capability}`,
    });
    expect(store.asked).toEqual([]);
  });

  it("with a grace period, which nothing here could keep, is refused before anything is touched", async () => {
    const { store } = openStore();
    const { broker } = openBroker(store);
    const name = nameOf("OLD");
    const work = broker.rotateSecret(liveCall(), { name, newName: name, payload: "new", gracePeriodMs: 1 });
    await expect(work).rejects.toMatchObject({
      reason: "CAPABILITY_UNSUPPORTED",
      metadata: { capability: "grace_period" },
    });
    expect(store.asked).toEqual([]);
  });

  it("without deletion still works under the same name", async () => {
    const { store, rotate } = openStore();
    Object.defineProperty(store, "deleteSecret", { value: undefined });
    await rotate("OLD");
    expect(store.value("OLD")).toBe("new");
  });
});
