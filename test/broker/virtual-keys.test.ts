import { describe, expect, it } from "vitest";
import type { BrokerSettings } from "../../src/broker/broker-settings.js";
import { MemorySecretManager } from "../../src/managers/memory/memory-secret-manager.js";
import { liveCall, nameOf, openBroker, type OpenedBroker } from "./open-broker.js";

const stored: Partial<BrokerSettings> = {
  virtualKeys: { prefix: "litellm/", description: "virtual key", tags: { owner: "gateway" } },
};

function openKeys(settings = stored, access = {}): OpenedBroker & { readonly manager: MemorySecretManager } {
  const manager = new MemorySecretManager();
  return { ...openBroker(manager, { settings, access }), manager };
}

describe("a virtual key", () => {
  it("is stored under the prefix, with description and tags, and its team's id beside them", async () => {
    const { virtualKeys, manager } = openKeys();
    const { name } = await virtualKeys.store(liveCall(), { alias: "team/key", key: "sk-1", teamId: "blue" });
    expect(name).toBe("litellm/team/key");
    expect(manager.readSecret(name)).toMatchObject({ value: "sk-1", description: "virtual key" });
    expect({ ...manager.readSecret(name)?.tags }).toEqual({ owner: "gateway", team_id: "blue" });
  });

  it("without a team carries only the configured tags, and none when there are none", async () => {
    const { virtualKeys, manager } = openKeys();
    await virtualKeys.store(liveCall(), { alias: "a", key: "sk-1" });
    expect({ ...manager.readSecret("litellm/a")?.tags }).toEqual({ owner: "gateway" });
    const bare = openKeys({ virtualKeys: { prefix: "l/", description: undefined, tags: undefined } });
    await bare.virtualKeys.store(liveCall(), { alias: "a", key: "sk-1" });
    expect(bare.manager.readSecret("l/a")).toMatchObject({ description: undefined, tags: undefined });
  });

  it("is stored over an existing one", async () => {
    const { virtualKeys, manager } = openKeys();
    await virtualKeys.store(liveCall(), { alias: "a", key: "sk-1" });
    const { written } = await virtualKeys.store(liveCall(), { alias: "a", key: "sk-2" });
    expect([manager.readSecret("litellm/a")?.value, written.version]).toEqual(["sk-2", 2]);
  });

  it.each([
    ["the same alias", "", "litellm/a"],
    ["a new alias", "b", "litellm/b"],
  ])("is rotated under %s and keeps its tags", async (_label, newAlias, expected) => {
    const { virtualKeys, manager } = openKeys();
    await virtualKeys.store(liveCall(), { alias: "a", key: "sk-1", teamId: "blue" });
    const { name } = await virtualKeys.rotate(liveCall(), { alias: "a", newAlias, key: "sk-2" });
    expect(name).toBe(expected);
    expect(manager.readSecret(expected)?.value).toBe("sk-2");
    expect({ ...manager.readSecret(expected)?.tags }).toEqual({ owner: "gateway", team_id: "blue" });
    if (newAlias !== "") expect(manager.readSecret("litellm/a")).toBeUndefined();
  });

  it("counts as hosted, when others are not", async () => {
    const { virtualKeys, broker } = openKeys(stored, { hostedKeys: ["OPENAI_API_KEY"], hostedPrefix: "litellm/" });
    await virtualKeys.store(liveCall(), { alias: "a", key: "sk-1" });
    const read = await broker.readSecret(liveCall(), { name: nameOf("litellm/a") });
    expect(read.secret.payload).toBe("sk-1");
    await expect(broker.readSecret(liveCall(), { name: nameOf("other/a") })).rejects.toMatchObject({
      reason: "KEY_NOT_HOSTED",
    });
  });

  it("is not stored under an access mode that forbids to write, which the reference ignores", async () => {
    const { virtualKeys } = openKeys(stored, { accessMode: "read_only" });
    await expect(virtualKeys.store(liveCall(), { alias: "a", key: "sk-1" })).rejects.toMatchObject({
      reason: "ACCESS_MODE_DENIED",
    });
  });

  it.each([
    ["", "must not be empty"],
    ["..", 'must not contain the path segment ".."'],
    ["../a", 'must not contain the path segment ".."'],
    ["/a", 'must not contain an empty path segment ("//")'],
    ["a/", 'must not begin or end with "/"'],
    ["a\u0000", "must not contain control characters"],
    ["a".repeat(505), "must be at most 512 characters long"],
  ])("has an alias that makes a safe name, unlike %j", async (alias, description) => {
    const { virtualKeys, sink } = openKeys();
    const refused = (field: string): object => ({ reason: "FIELD_INVALID", violations: [{ field, description }] });
    await expect(virtualKeys.store(liveCall(), { alias, key: "k" })).rejects.toMatchObject(refused("alias"));
    const rotated = virtualKeys.rotate(liveCall(), { alias: "a", newAlias: alias || "..", key: "k" });
    await expect(rotated).rejects.toMatchObject({ reason: "FIELD_INVALID", violations: [{ field: "new_alias" }] });
    expect(sink.records).toEqual([]);
  });
});

describe("the deletion of virtual keys", () => {
  it("answers each alias in order, and one failure never stops the rest", async () => {
    const opened = openKeys();
    const { virtualKeys, manager } = opened;
    for (const alias of ["a", "b", "c"]) await virtualKeys.store(liveCall(), { alias, key: "sk" });
    const remove = manager.deleteSecret.bind(manager);
    manager.deleteSecret = (name, ...rest) => {
      if (name === "litellm/b") throw new Error("down");
      return remove(name, ...rest);
    };
    const results = await virtualKeys.delete(liveCall(), ["a", "b", "..", "absent", "c", ""], undefined);
    expect(results.map((result) => ("error" in result ? result.error.reason : result.deletion.status))).toEqual([
      "deleted",
      "MANAGER_UNAVAILABLE",
      "FIELD_INVALID",
      "not_found",
      "deleted",
      "FIELD_INVALID",
    ]);
    expect(results.map(({ alias }) => alias)).toEqual(["a", "b", "..", "absent", "c", ""]);
    expect(results[2]).toMatchObject({ error: { violations: [{ field: "aliases[2]" }] } });
    expect(manager.readSecret("litellm/b")?.value).toBe("sk");
    expect(manager.readSecret("litellm/c")).toBeUndefined();
  });

  it("refuses each alias by itself when policy does", async () => {
    const { virtualKeys } = openKeys(stored, { accessMode: "read_only" });
    const results = await virtualKeys.delete(liveCall(), ["a", "b"], undefined);
    expect(results.map((result) => "error" in result && result.error.reason)).toEqual([
      "ACCESS_MODE_DENIED",
      "ACCESS_MODE_DENIED",
    ]);
  });
});

describe("virtual keys that are switched off", () => {
  it.each<[string, (opened: OpenedBroker) => Promise<unknown>]>([
    ["store", ({ virtualKeys }) => virtualKeys.store(liveCall(), { alias: "a", key: "k" })],
    ["rotate", ({ virtualKeys }) => virtualKeys.rotate(liveCall(), { alias: "a", newAlias: "", key: "k" })],
    ["delete", ({ virtualKeys }) => virtualKeys.delete(liveCall(), ["a"], undefined)],
  ])("refuse to %s, and say how to switch them on", async (_label, run) => {
    const opened = openKeys({ virtualKeys: undefined });
    await expect(run(opened)).rejects.toMatchObject({
      reason: "CAPABILITY_UNSUPPORTED",
      message: expect.stringContaining("set key_management_settings.store_virtual_keys to true") as string,
      metadata: { capability: "store_virtual_keys" },
    });
    expect(opened.sink.records).toEqual([]);
  });
});
