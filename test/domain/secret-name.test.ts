import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maxSecretNameLength, parseSecretName, secretNameProblem } from "../../src/domain/secret-name.js";
import { isSecretError } from "../../src/domain/secret-error.js";

const controls = [
  ...Array.from({ length: 0x20 }, (_, code) => code),
  ...Array.from({ length: 0x21 }, (_, index) => 0x7f + index),
  0x2028,
  0x2029,
];

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 600 }),
  fc.string({ unit: fc.constantFrom("/", ".", "..", "a", "\u0000", "\u2028", "\ud800", "\u{1f511}"), maxLength: 30 }),
);

/** The rules once more, as slowly and plainly as they can be said. */
function isSafe(name: string): boolean {
  const codes = Array.from({ length: name.length }, (_, index) => name.charCodeAt(index));
  if (name.length < 1 || name.length > 512 || codes.some((code) => controls.includes(code))) return false;
  if (Buffer.from(name, "utf8").toString("utf8") !== name) return false;
  return name.split("/").every((segment) => segment !== "" && segment !== "..");
}

describe("a secret's name", () => {
  it.each([
    "OPENAI_API_KEY",
    "litellm/prod/my-key",
    "team/user@example.com",
    "foo: bar",
    "foo?x=1",
    "release-1.0..2",
    "..foo",
    "foo..",
    "...",
    ".",
    "a/./b",
    "a/...",
    "a".repeat(500),
    "a".repeat(512),
    "\u{1f511}".repeat(256),
    " ",
    "__proto__",
    "%2e%2e/%2f",
    "a\\..\\b",
    "\u00e9\ufeff\u00a0",
  ])("is accepted: %j", (name) => {
    expect(parseSecretName(name)).toBe(name);
  });

  it.each([
    ["", "must not be empty"],
    ["a".repeat(513), "must be at most 512 characters long"],
    ["\u{1f511}".repeat(257), "must be at most 512 characters long"],
    ["..", 'must not contain the path segment ".."'],
    ["../a", 'must not contain the path segment ".."'],
    ["a/..", 'must not contain the path segment ".."'],
    ["a/../b", 'must not contain the path segment ".."'],
    ["a//b", 'must not contain an empty path segment ("//")'],
    ["/", 'must not begin or end with "/"'],
    ["/a", 'must not begin or end with "/"'],
    ["a/", 'must not begin or end with "/"'],
    ["\ud800", "must be valid Unicode"],
    ["a\udc00b", "must be valid Unicode"],
  ])("is rejected: %j %s", (name, problem) => {
    expect(secretNameProblem(name)).toBe(problem);
  });

  it.each(controls.map((code) => [`U+${code.toString(16).padStart(4, "0")}`, String.fromCharCode(code)]))(
    "is rejected with %s at its beginning, middle or end",
    (_label, character) => {
      for (const name of [character, `${character}a`, `a${character}b`, `a/${character}/b`, `a${character}`]) {
        expect(secretNameProblem(name)).toBe("must not contain control characters");
      }
    },
  );

  it("is accepted exactly when it keeps every rule", () => {
    fc.assert(
      fc.property(anyText, (name) => {
        expect(secretNameProblem(name) === undefined).toBe(isSafe(name));
      }),
      { numRuns: 5_000 },
    );
  });

  it("is otherwise refused with FIELD_INVALID that names the field and the rule, never the name", () => {
    fc.assert(
      fc.property(anyText, (name) => {
        const marked = `${name}\u0000canary`;
        let thrown: unknown;
        try {
          parseSecretName(marked, "reads[3].name");
        } catch (error) {
          thrown = error;
        }
        if (!isSecretError(thrown)) throw new TypeError("it must be refused");
        expect(thrown.reason).toBe("FIELD_INVALID");
        expect(thrown.violations).toEqual([{ field: "reads[3].name", description: secretNameProblem(marked) }]);
        expect(thrown.message).not.toContain("canary");
      }),
      { numRuns: 2_000 },
    );
  });

  it("has its bound stated in UTF-16 code units", () => {
    expect(maxSecretNameLength).toBe(512);
  });
});
