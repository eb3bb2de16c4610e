import { describe, expect, it } from "vitest";
import { missingMembers, referenceMembers } from "../../../src/managers/module/validate-manager.js";

const readSecret = (): undefined => undefined;
const missing = { member: "readSecret", problem: "missing", expected: "a function" };

describe("missingMembers", () => {
  it.each([
    ["undefined", undefined],
    ["null", null],
    ["a string", "text"],
    ["a function", readSecret],
    ["{}", {}],
  ])("finds readSecret missing in %s", (_label, candidate) => {
    expect(missingMembers(candidate)).toEqual([missing]);
  });

  it("finds nothing wrong with an object that can only read", () => {
    expect(missingMembers({ readSecret, writeSecret: undefined, managerName: "mine", supports: {} })).toEqual([]);
  });

  it("takes inherited members", () => {
    class Base {
      readSecret(): undefined {
        return undefined;
      }
    }
    expect(missingMembers(new (class extends Base {})())).toEqual([]);
  });

  it("names what is there instead", () => {
    expect(missingMembers({ readSecret, writeSecret: "yes", supports: null })).toEqual([
      { member: "supports", problem: "wrong_type", expected: "an object", found: "null" },
      { member: "writeSecret", problem: "wrong_type", expected: "a function", found: "a string" },
    ]);
  });

  it("takes a member that throws when it is looked at as missing", () => {
    const candidate = {
      get readSecret(): never {
        throw new Error("not yet");
      },
    };
    expect(missingMembers(candidate)).toEqual([missing]);
  });

  it("points at a member that was probably meant", () => {
    expect(missingMembers({ async_read_secret: readSecret })).toEqual([{ ...missing, meant: "async_read_secret" }]);
    expect(missingMembers({ readsecret: readSecret })).toEqual([{ ...missing, meant: "readsecret" }]);
    expect(missingMembers({ getValue: readSecret })).toEqual([missing]);
  });
});

describe("referenceMembers", () => {
  it("finds members under the reference's names, unless ours are there as well", () => {
    const candidate = { readSecret, async_read_secret: readSecret, async_delete_secret: readSecret };
    expect(referenceMembers(candidate)).toEqual([["async_delete_secret", "deleteSecret"]]);
  });
});
