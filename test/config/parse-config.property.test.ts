import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { ConfigError, formatProblem } from "../../src/config/config-error.js";
import { parseConfig } from "../../src/config/parse-config.js";
import { file } from "./config-text.js";

const words = [
  ...["general_settings", "secret_broker", "key_management_system", "key_management_settings", "manager", "kind"],
  ...["class", "prefix", "listen", "admin", "audit", "sink", "path", "log", "level", "limits", "max_payload", "drain"],
  ...["max_concurrent_streams", "timeouts", "metrics", "access_mode", "hosted_keys", "store_virtual_keys", "tags"],
  ...["custom_secret_manager", "prefix_for_stored_virtual_keys", "description", "<<", "__proto__", "constructor"],
];
const values = ["custom", "local", "memory", "module", "a.B", "read_only", "write_only", "file", "off", "1MiB", "10s"];

const key = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...words) }, fc.string({ maxLength: 8 }));
const leaf = fc.oneof(
  fc.constantFrom(...values),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
);
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    fc.array(tie("tree"), { maxLength: 4 }),
    fc.dictionary(key, tie("tree"), { maxKeys: 6 }),
  ),
}));
const configuration = fc.record(
  {
    general_settings: fc.dictionary(key, tree, { maxKeys: 4 }),
    secret_broker: fc.dictionary(key, tree, { maxKeys: 5 }),
  },
  { requiredKeys: [] },
);
const fragment = fc.constantFrom(
  ...[
    "secret_broker:",
    "manager",
    ": ",
    "{",
    "}",
    "[",
    "]",
    "\n",
    "\n  ",
    "\n    ",
    "- ",
    "&a ",
    "*a",
    "<<: ",
    "!!set ",
  ],
  ...["!x ", "? ", "|", ">", "'", '"', "#", "---\n", "...", "%YAML 1.1\n", "\t", ",", "kind: memory", "~", "\\", "\0"],
);

/** Whether a text makes a configuration, or an error whose every line has its place. */
function expectAnswer(text: string): void {
  try {
    const { config } = parseConfig({ text, file });
    expect(config.listen.length).toBeGreaterThan(0);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.problems.length).toBeGreaterThan(0);
    expect(error.message.split("\n")).toEqual(error.problems.map(formatProblem));
    const lines = text.split("\n");
    for (const { line, column, message } of error.problems) {
      expect(line).toBeGreaterThanOrEqual(1);
      expect(line).toBeLessThanOrEqual(lines.length);
      expect(column).toBeGreaterThanOrEqual(1);
      expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1);
      expect(message).not.toMatch(/undefined|\[object /u);
    }
  }
}

describe("parseConfig makes a configuration or says what is wrong, and nothing else", () => {
  it("of any text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), expectAnswer), { numRuns: 500 });
  });

  it("of any pieces of YAML", () => {
    const pieces = fc.array(fragment, { maxLength: 30 }).map((parts) => parts.join(""));
    fc.assert(fc.property(pieces, expectAnswer), { numRuns: 1_500 });
  });

  it("of any structure that looks like a configuration", { timeout: 60_000 }, () => {
    const texts = fc.oneof(configuration, tree).map((value) => stringify(value, { version: "1.2" }));
    fc.assert(fc.property(texts, expectAnswer), { numRuns: 500 });
  });

  it("of any structure in JSON, which is YAML too", { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(configuration, (value) => {
        expectAnswer(JSON.stringify(value));
      }),
      { numRuns: 500 },
    );
  });

  it("of a good configuration with one byte changed", () => {
    const good =
      "general_settings: { key_management_settings: { hosted_keys: [A] } }\nsecret_broker:\n  manager: { kind: memory }\n";
    const damage = fc.tuple(fc.nat({ max: good.length - 1 }), fc.string({ unit: "binary-ascii", maxLength: 2 }));
    const texts = damage.map(([index, text]) => good.slice(0, index) + text + good.slice(index + 1));
    fc.assert(fc.property(texts, expectAnswer), { numRuns: 500 });
  });
});
