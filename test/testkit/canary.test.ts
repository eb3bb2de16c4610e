import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { findLeaks, plantCanaries } from "../../src/testkit/index.js";

const canaries = plantCanaries();
const { text, json, bytes } = canaries;

describe("plantCanaries", () => {
  it("plants other values each time", () => {
    const other = plantCanaries();
    expect(other.text).not.toBe(text);
    expect(other.json).not.toBe(json);
    expect(other.bytes).not.toEqual(bytes);
  });
});

describe("findLeaks", () => {
  const leaks: readonly (readonly [string, string, string])[] = [
    ["the text itself", `before ${text} after`, "text"],
    ["the text in JSON", JSON.stringify({ message: text }), "text"],
    ["the text in JSON in JSON", JSON.stringify({ line: JSON.stringify({ message: text }) }), "text"],
    ["the text in a URL", `https://example.com/?q=${encodeURIComponent(text)}`, "text"],
    ["the text in a form", new URLSearchParams({ q: text }).toString(), "text"],
    ["the text in upper case", text.toUpperCase(), "text"],
    ["the text's first half", text.slice(0, 50), "text"],
    ["the text as base64", Buffer.from(text).toString("base64"), "text"],
    ["the text as base64 after other bytes", Buffer.from(`a${text}bc`).toString("base64"), "text"],
    ["the text as base64 after two bytes", Buffer.from(`ab${text}`).toString("base64url"), "text"],
    ["the text as hex", Buffer.from(text).toString("hex").toUpperCase(), "text"],
    ["the text as inspect shows it", inspect({ text }), "text"],
    ["a member of the JSON", json.split('"')[3] ?? "", "json"],
    ["the bytes as base64", Buffer.from(bytes).toString("base64"), "bytes"],
    ["the bytes as base64url", Buffer.from(bytes).toString("base64url"), "bytes"],
    ["the bytes in JSON", JSON.stringify(Buffer.from(bytes)), "bytes"],
    ["the bytes as inspect shows a buffer", inspect(Buffer.from(bytes)), "bytes"],
    ["the bytes as inspect shows an array", inspect(bytes, { breakLength: Infinity }), "bytes"],
  ];

  it.each(leaks)("finds %s", (_label, haystack, canary) => {
    expect(findLeaks(haystack, canaries).map((leak) => leak.canary)).toContain(canary);
  });

  it("says which canary leaked and how, and not the value", () => {
    const found = findLeaks(Buffer.from(bytes).toString("hex"), canaries);
    expect(found).toEqual([{ canary: "bytes", form: "hex" }]);
  });

  it("finds nothing where nothing is, nor another call's canaries", () => {
    expect(findLeaks("canary password port 5432", canaries)).toEqual([]);
    expect(findLeaks(JSON.stringify(plantCanaries()), canaries)).toEqual([]);
  });

  it("refuses a canary that would be found by chance", () => {
    expect(() => findLeaks("text", { short: "1234567" })).toThrow(TypeError);
  });
});
