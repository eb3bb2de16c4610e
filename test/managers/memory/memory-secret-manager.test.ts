import { describe, expect, it } from "vitest";
import type { ManagerCall } from "../../../src/contract/manager-call.js";
import { MemorySecretManager } from "../../../src/managers/memory/memory-secret-manager.js";
import { FakeClock } from "../../../src/testkit/fake-clock.js";

function callOf(principal?: string): ManagerCall {
  const signal = new AbortController().signal;
  return { options: {}, signal, deadline: new Date(), requestId: "r", principal };
}

const call = callOf("alice");
const week = { recoveryWindowInDays: 7 };

describe("MemorySecretManager", () => {
  it("answers a read of text with the same frozen reply each time, without a promise", () => {
    const manager = new MemorySecretManager();
    manager.writeSecret("A", "value", { tags: { a: "1" } }, call);
    const reply = manager.readSecret("A");
    expect(reply?.value).toBe("value");
    expect(manager.readSecret("A")).toBe(reply);
    expect(manager.readSecretSync("A")).toBe(reply);
    expect(Object.isFrozen(reply)).toBe(true);
    expect(Object.isFrozen(reply?.tags)).toBe(true);
  });

  it("shows a new description and new tags with the active version and the older ones", () => {
    const manager = new MemorySecretManager();
    manager.writeSecret("A", "one", { description: "old" }, call);
    manager.readSecret("A");
    manager.writeSecret("A", "two", { description: "new", tags: { a: "1" }, activate: false }, call);
    expect(manager.readSecret("A")).toMatchObject({ value: "one", description: "new", tags: { a: "1" } });
    expect(manager.readSecretVersion("A", 2)).toMatchObject({ value: "two", description: "new" });
  });

  it("reads an expired version as absent from its expire time on, whatever the reader does to the date", () => {
    const clock = new FakeClock();
    const manager = new MemorySecretManager({ now: clock.now });
    manager.writeSecret("A", "value", { expireTime: new Date(clock.now() + 1_000) }, call);
    clock.advance(999);
    manager.readSecret("A")?.expireTime?.setTime(0);
    expect(manager.readSecret("A")?.value).toBe("value");
    clock.advance(1);
    expect(manager.readSecret("A")).toBeUndefined();
    expect(manager.readSecretVersion("A", 1)).toBeUndefined();
    expect(() => manager.activateSecretVersion("A", 1, {}, call)).toThrow(
      expect.objectContaining({ reason: "VERSION_NOT_FOUND" }),
    );
    expect(manager.describeSecret("A")?.expireTime).toEqual(clock.date());
  });

  it("describes who changed a secret last and when", () => {
    const clock = new FakeClock();
    const manager = new MemorySecretManager({ now: clock.now });
    const createTime = clock.date();
    manager.writeSecret("A", "one", {}, callOf("alice"));
    clock.advance(5_000);
    manager.writeSecret("A", "two", {}, callOf("bob"));
    const twoWritten = clock.date();
    expect(manager.describeSecret("A")).toMatchObject({ createTime, updateTime: twoWritten, changedBy: "bob" });
    clock.advance(5_000);
    manager.activateSecretVersion("A", 1, {}, callOf("carol"));
    expect(manager.describeSecret("A")).toMatchObject({ updateTime: clock.date(), changedBy: "carol" });
    expect(manager.describeSecret("A")?.versions?.[1]?.createTime).toEqual(twoWritten);
  });

  it("leaves a new name unreadable while its only version is not activated", () => {
    const manager = new MemorySecretManager();
    manager.writeSecret("A", "staged", { activate: false }, call);
    expect(manager.readSecret("A")).toBeUndefined();
    manager.activateSecretVersion("A", 1, {}, call);
    expect(manager.readSecret("A")?.value).toBe("staged");
  });

  it("keeps the newest versions of a secret and always the active one", () => {
    const manager = new MemorySecretManager({ maxVersionsPerSecret: 3 });
    manager.writeSecret("A", "1", {}, call);
    for (const value of ["2", "3", "4", "5"]) manager.writeSecret("A", value, { activate: false }, call);
    expect(manager.describeSecret("A")?.versions?.map(({ version }) => version)).toEqual([1, 4, 5]);
    expect(manager.readSecret("A")?.value).toBe("1");
    expect(manager.readSecretVersion("A", 2)).toBeUndefined();
  });

  it("keeps 100 versions unless told otherwise", () => {
    const manager = new MemorySecretManager();
    for (let version = 1; version <= 150; version += 1) manager.writeSecret("A", String(version), {}, call);
    const versions = manager.describeSecret("A")?.versions ?? [];
    expect([versions.length, versions[0]?.version, versions.at(-1)?.version]).toEqual([100, 51, 150]);
  });

  it("refuses to keep fewer than one version", () => {
    expect(() => new MemorySecretManager({ maxVersionsPerSecret: 0 })).toThrow(TypeError);
  });

  it("does not let a principal's request id stand for another principal's", () => {
    const manager = new MemorySecretManager();
    const requestId = "request-1";
    manager.writeSecret("A", "alice's", { requestId }, callOf("alice"));
    expect(manager.writeSecret("A", "bob's", { requestId }, callOf("bob")).version).toBe(2);
    expect(manager.writeSecret("A", "nobody's", { requestId }, callOf()).version).toBe(3);
  });

  it("remembers the newest 10,000 request ids and forgets the oldest", () => {
    const manager = new MemorySecretManager();
    for (let index = 0; index <= 10_000; index += 1) {
      manager.writeSecret("A", "value", { requestId: String(index) }, call);
    }
    expect(manager.writeSecret("A", "value", { requestId: "1" }, call).version).toBe(2);
    expect(manager.writeSecret("A", "value", { requestId: "0" }, call).version).toBe(10_002);
  });

  it("answers a repeated request alike after its secret was deleted and after it failed in between", () => {
    const manager = new MemorySecretManager();
    const first = manager.writeSecret("A", "value", { requestId: "1", expectedVersion: 0 }, call);
    expect(manager.deleteSecret("A", { ...week, requestId: "2" }, call)).toEqual({ status: "deleted", uid: first.uid });
    expect(manager.writeSecret("A", "value", { requestId: "1", expectedVersion: 0 }, call)).toBe(first);
    expect(manager.readSecret("A")).toBeUndefined();
  });

  it("answers a deletion without a time until which it could be undone", () => {
    const manager = new MemorySecretManager();
    manager.writeSecret("A", "value", {}, call);
    expect(manager.deleteSecret("A", week, call).restorableUntil).toBeUndefined();
    expect(manager.deleteSecret("A", { ...week, expectedVersion: 1 }, call)).toEqual({ status: "not_found" });
  });

  it("copies bytes in from shared memory, too", () => {
    const manager = new MemorySecretManager();
    const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(7);
    manager.writeSecret("A", shared, {}, call);
    shared.fill(0);
    expect(manager.readSecret("A")?.value).toEqual(Uint8Array.of(7, 7, 7, 7));
  });

  it("throws MANAGER_UNAVAILABLE from every member once it is closed", () => {
    const manager = new MemorySecretManager();
    manager.writeSecret("A", Uint8Array.of(1), {}, call);
    manager.close();
    const closed: unknown = expect.objectContaining({ reason: "MANAGER_UNAVAILABLE" });
    const query = { prefix: "", tags: {}, showDeleted: false, pageSize: 10 };
    expect(() => manager.readSecret("A")).toThrow(closed);
    expect(() => manager.readSecretSync("A")).toThrow(closed);
    expect(() => manager.readSecretVersion("A", 1)).toThrow(closed);
    expect(() => manager.writeSecret("A", "b", {}, call)).toThrow(closed);
    expect(() => manager.deleteSecret("A", week, call)).toThrow(closed);
    expect(() => manager.rotateSecret("A", "A", "b", {}, call)).toThrow(closed);
    expect(() => manager.listSecrets(query)).toThrow(closed);
    expect(() => manager.describeSecret("A")).toThrow(closed);
    expect(() => manager.activateSecretVersion("A", 1, {}, call)).toThrow(closed);
    expect(() => manager.checkHealth()).toThrow(closed);
  });
});
