import * as nodeTest from "node:test";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { SecretManager } from "../../src/contract/secret-manager.js";
import { MemorySecretManager } from "../../src/managers/memory/memory-secret-manager.js";
import { describeSecretManager, managerLaws, type ManagerSubject, type TestRunner } from "../../src/testkit/index.js";
import { subjects } from "../conformance/subjects.js";
import { faults } from "./faulty-managers.js";

/** The names of the laws a manager breaks. */
async function brokenLaws(subject: ManagerSubject): Promise<readonly string[]> {
  const broken: string[] = [];
  for (const { name, run } of managerLaws(subject)) {
    await run().catch(() => broken.push(name));
  }
  return broken;
}

describe("managerLaws", () => {
  it("has at least forty laws, each with a name of its own", () => {
    const names = managerLaws(subjects.memory).map(({ name }) => name);
    expect(names.length).toBeGreaterThan(40);
    expect(new Set(names).size).toBe(names.length);
  });

  it("asks of a manager only what it declares", () => {
    const open = (): SecretManager => ({ readSecret: () => undefined });
    const names = managerLaws({ open, capabilities: [], seed: () => undefined }).map(({ name }) => name);
    expect(names).toContain("reads an absent secret as undefined");
    expect(names).not.toContain("reads a deleted secret as absent");
  });

  it("refuses a manager that can neither write nor be seeded", () => {
    const open = (): SecretManager => ({ readSecret: () => undefined });
    expect(() => managerLaws({ open, capabilities: ["delete"] })).toThrow(TypeError);
  });

  it("closes every manager it opens, when a law is broken too", async () => {
    let opened = 0;
    let closed = 0;
    class Counting extends MemorySecretManager {
      override readSecret(): undefined {
        return undefined;
      }
      override close(): void {
        closed += 1;
        super.close();
      }
    }
    const open = (): SecretManager => {
      opened += 1;
      return new Counting();
    };
    const broken = await brokenLaws({ ...subjects.memory, open });
    expect(broken.length).toBeGreaterThan(40);
    expect(closed).toBeGreaterThanOrEqual(opened);
  });

  it.each(faults)("catches a manager that $fault", async ({ open, law }) => {
    const laws = managerLaws({ ...subjects.memory, open }).filter(({ name }) => name === law);
    expect(laws).toHaveLength(1);
    await expect(laws[0]?.run()).rejects.toThrow();
  });

  it("catches a declared capability that does not show, and one that shows undeclared", async () => {
    const law = "shows exactly the capabilities it declares, before use and after";
    const { capabilities } = subjects.module;
    const undeclared = capabilities.filter((capability) => capability !== "list");
    expect(await brokenLaws({ ...subjects.module, capabilities: undeclared })).toEqual([law]);
    expect(await brokenLaws({ ...subjects.module, capabilities: [...capabilities, "grace_period"] })).toEqual([law]);
  });
});

describe("describeSecretManager", () => {
  it("makes one test of each law, in one group", () => {
    const groups: string[] = [];
    const tests: string[] = [];
    const runner: TestRunner = {
      describe: (name, body) => {
        groups.push(name);
        body();
      },
      it: (name) => tests.push(name),
    };
    describeSecretManager(runner, "memory", subjects.memory);
    expect(groups).toEqual(["memory keeps the contract of a secret manager"]);
    expect(tests).toEqual(managerLaws(subjects.memory).map(({ name }) => name));
  });

  it("takes the functions of vitest and of node:test", () => {
    expectTypeOf({ describe, it }).toExtend<TestRunner>();
    expectTypeOf({ describe: nodeTest.describe, it: nodeTest.it }).toExtend<TestRunner>();
  });
});
