import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readJsonMapping } from "../../src/config/json-text.js";
import { YamlSource } from "../../src/config/yaml-source.js";

const file = "/somewhere/config.yaml";

/** Keys as they may be: of other objects too, and with what must be escaped. */
const key = fc.oneof(
  fc.constantFrom("secret_broker", "toString", "constructor", "<<", "__proto__", "a:b", '"'),
  fc.string(),
);
const mapping = fc.dictionary(key, fc.jsonValue({ maxDepth: 4 }), { maxKeys: 6 });

describe("a configuration that is JSON", () => {
  it("is what YAML's reader makes of it", () => {
    fc.assert(
      fc.property(mapping, fc.constantFrom(undefined, 2), (value, indentation) => {
        const text = JSON.stringify(value, undefined, indentation);
        const source = new YamlSource(text, file);
        // A comment is no JSON, so all of this is read as YAML.
        const yaml = new YamlSource(`# YAML\n${text}`, file);
        fc.pre(yaml.isIntact);
        expect(source.isIntact).toBe(true);
        expect([source.problems, source.warnings, source.isEmpty]).toEqual([[], [], yaml.isEmpty]);
        expect(source.topKeys()).toEqual(yaml.topKeys());
        for (const name of Object.keys(value)) {
          expect(source.section(name)).toEqual(yaml.section(name));
          const [here, there] = [source.problem([name], "is wrong"), yaml.problem([name], "is wrong")];
          expect(here).toEqual({ ...there, line: there.line - 1 });
        }
        expect(source.section("not there")).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ["a key that stands twice", '{"a": 1, "b": {"c": 1, "c": 2}}'],
    ["a key that is another's prototype", '{"__proto__": {"a": 1}}'],
    ["tabs", '{\n\t"a": 1\n}'],
    ["a list", "[1, 2]"],
    ["a comment", '{"a": 1} # one'],
    ["what is nested deeply", `{"a": ${"[".repeat(40)}${"]".repeat(40)}}`],
  ])("is left to YAML's reader with %s", (_what, text) => {
    expect(readJsonMapping(text)).toBeUndefined();
  });

  it("is read here without them, whatever its strings look like", () => {
    const value = { 'a "quoted": key': ['{"a": 1, "a": 2}', "\\", 'ends in a quote\\"'], b: { a: null, c: "a\nb: " } };
    expect(readJsonMapping(JSON.stringify(value))).toEqual(value);
  });

  it("says where a key stands twice", () => {
    const { problems } = new YamlSource('{"secret_broker": {\n  "manager": 1,\n  "manager": 2}}', file);
    expect(problems).toEqual([expect.objectContaining({ line: 3, column: 3 })]);
  });
});
