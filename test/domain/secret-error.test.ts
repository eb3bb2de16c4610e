import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { isSecretError, SecretError, secretErrorReasons } from "../../src/domain/secret-error.js";

const brand = Symbol.for("secretbroker.dev/SecretError");

/** What another copy of the package throws: a class of its own, the same brand. */
class OtherCopy extends Error {
  readonly reason: string;

  constructor(reason: string) {
    super("from another copy");
    this.reason = reason;
    Object.defineProperty(this, brand, { value: true });
  }
}

describe("SecretError", () => {
  it("is recognised with every reason there is", () => {
    for (const reason of secretErrorReasons) {
      expect(isSecretError(new SecretError(reason, "message"))).toBe(true);
      expect(isSecretError(new OtherCopy(reason))).toBe(true);
    }
  });

  it.each<[string, unknown]>([
    ["a plain error", new Error("message")],
    ["an error with a reason and no brand", Object.assign(new Error("message"), { reason: "SECRET_NOT_FOUND" })],
    ["a branded error with a reason of its own", new OtherCopy("MY_REASON")],
    ["a branded error with a reason out of the prototype", new OtherCopy("constructor")],
    ["a branded object that is no error", { [brand]: true, reason: "SECRET_NOT_FOUND" }],
    ["a string", "SECRET_NOT_FOUND"],
    ["null", null],
    ["undefined", undefined],
    ["an error of another realm", runInNewContext("new Error('message')")],
  ])("is not %s", (_label, thrown) => {
    expect(isSecretError(thrown)).toBe(false);
  });

  it("stays recognised when it is wrapped as a cause, and its wrapper is not", () => {
    const wrapper = new Error("outer", { cause: SecretError.notFound("NAME") });
    expect([isSecretError(wrapper), isSecretError(wrapper.cause)]).toEqual([false, true]);
  });

  it("does not show its brand among its members", () => {
    const error = new SecretError("INTERNAL_ERROR", "message");
    expect(Reflect.ownKeys(Object.assign({}, error)).filter((key) => typeof key === "symbol")).toEqual([]);
    expect("cause" in error).toBe(false);
  });

  it("has no reason twice", () => {
    expect(new Set(secretErrorReasons).size).toBe(secretErrorReasons.length);
  });

  it.each([
    [SecretError.notFound("A"), "SECRET_NOT_FOUND", 'secret "A" does not exist', { name: "A" }],
    [
      SecretError.versionNotFound("A", 3),
      "VERSION_NOT_FOUND",
      'secret "A" has no version 3',
      { name: "A", version: "3" },
    ],
    [
      SecretError.unsupported("rotate", "memory"),
      "CAPABILITY_UNSUPPORTED",
      "memory does not support rotate",
      { capability: "rotate", manager: "memory" },
    ],
    [
      SecretError.unsupported("store_virtual_keys", "this", "switch it on"),
      "CAPABILITY_UNSUPPORTED",
      "this does not support store_virtual_keys: switch it on",
      { capability: "store_virtual_keys", manager: "this" },
    ],
  ])("says the same each time: %s", (error, ...expected) => {
    expect([error.reason, error.message, error.metadata]).toEqual(expected);
  });

  it("names every broken field of a request", () => {
    const violations = [
      { field: "name", description: "must not be empty" },
      { field: "tags", description: "must hold at most 64 tags" },
    ];
    const error = SecretError.fieldInvalid(violations);
    expect(error.message).toBe("name must not be empty; tags must hold at most 64 tags");
    expect(error.violations).toEqual(violations);
  });
});
