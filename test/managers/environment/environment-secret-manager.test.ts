import { describe, expect, it } from "vitest";
import { EnvironmentSecretManager } from "../../../src/managers/environment/environment-secret-manager.js";

const all = { prefix: "", tags: {}, showDeleted: false, pageSize: 100 };

function namesOf(manager: EnvironmentSecretManager): readonly string[] {
  return manager.listSecrets(all).secrets.map(({ name }) => name);
}

describe("EnvironmentSecretManager", () => {
  it("reads the variable of the prefix and the name, and no other", () => {
    const environment = { APP_KEY: "mine", KEY: "not mine", APP_: "nameless" };
    const manager = new EnvironmentSecretManager({ environment, prefix: "APP_" });
    expect(manager.readSecret("KEY")).toBe("mine");
    expect(manager.readSecret("APP_KEY")).toBeUndefined();
    expect(namesOf(manager)).toEqual(["KEY"]);
  });

  it("reads every variable under an empty prefix", () => {
    const manager = new EnvironmentSecretManager({ environment: { B: "2", A: "", C: undefined }, prefix: "" });
    expect(manager.readSecret("A")).toBe("");
    expect(manager.readSecretSync("B")).toBe("2");
    expect(manager.readSecret("C")).toBeUndefined();
    expect(namesOf(manager)).toEqual(["A", "B"]);
  });

  it("sees no inherited property", () => {
    class Environment {
      readonly [name: string]: string;
    }
    Object.defineProperty(Environment.prototype, "INHERITED", { value: "value", enumerable: true });
    const environment = new Environment();
    expect(environment["INHERITED"]).toBe("value");
    const manager = new EnvironmentSecretManager({ environment, prefix: "" });
    expect(manager.readSecret("INHERITED")).toBeUndefined();
    expect(manager.readSecret("toString")).toBeUndefined();
    expect(namesOf(manager)).toEqual([]);
  });

  it("sees variables that change after it was made", () => {
    const environment: Record<string, string> = {};
    const manager = new EnvironmentSecretManager({ environment, prefix: "" });
    environment["LATER"] = "value";
    expect(manager.readSecret("LATER")).toBe("value");
  });

  it("lists no variable whose name nobody could ask for", () => {
    const environment = { "a//b": "1", "..": "2", "new\nline": "3", fine: "4", "BASH_FUNC_x%%": "5" };
    const manager = new EnvironmentSecretManager({ environment, prefix: "" });
    expect(namesOf(manager)).toEqual(["BASH_FUNC_x%%", "fine"]);
  });

  it("describes by the name alone", () => {
    const manager = new EnvironmentSecretManager({ environment: { KEY: "value" }, prefix: "" });
    expect(manager.describeSecret("KEY")).toEqual({ name: "KEY" });
    expect(manager.describeSecret("OTHER")).toBeUndefined();
  });
});
