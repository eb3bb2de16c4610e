import { describe, expect, it } from "vitest";
import { coerceEnvironmentText, coerceManagerText } from "../../../src/client/references/coerce-like-litellm.js";

describe("what LiteLLM makes of a manager's text", () => {
  it.each([
    ["True", true],
    ["False", false],
    [" True", true],
    ["True ", true],
    ["\t True\n", true],
    ["(True)", true],
    ["((False))", false],
    ["( True # c\n )", true],
    ["True # c", true],
    ["(\nTrue\n)", true],
    ["\nTrue", true],
    ["# c\nTrue", true],
    ["\fTrue", true],
    ["True\n\n# c\n", true],
  ])("%j is a boolean", (text, value) => {
    expect(coerceManagerText(text)).toBe(value);
  });

  it.each([
    "true",
    " FALSE ",
    "1",
    "None",
    "",
    '{"a":1}',
    "True,",
    "(True",
    "True)",
    "(True,)",
    "Truer",
    "True False",
    "True\nFalse",
    "not True",
    "'True'",
    "True1",
    "\n True",
    "True;",
    "# True",
    "sk-1234",
  ])("%j stays text", (text) => {
    expect(coerceManagerText(text)).toBe(text);
  });

  it("takes no longer for a hostile text", () => {
    const hostile = `${"(".repeat(50_000)}True${")".repeat(49_999)}`;
    expect(coerceManagerText(hostile)).toBe(hostile);
  });
});

describe("what LiteLLM makes of a variable's text", () => {
  it.each([
    ["true", true],
    [" FALSE ", false],
    ["True", true],
    ["(True)", "(True)"],
    ["True # c", "True # c"],
    ["1", "1"],
    ["", ""],
  ])("%j", (text, value) => {
    expect(coerceEnvironmentText(text)).toBe(value);
  });
});
