import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { readPlainYamlMapping } from "../../src/config/plain-yaml.js";
import { YamlSource } from "../../src/config/yaml-source.js";

const file = "/somewhere/config.yaml";

/** What makes YAML's readers differ, and what lies next to it. */
const scalar = fc.constantFrom(
  ...[
    "a",
    "a b",
    "a:b",
    "a: b",
    "a :b",
    "a#b",
    "a #b",
    "a # b",
    "#a",
    "a'b",
    'a"b',
    "a{b",
    "a]",
    "a,b",
    "a\\b",
    "é",
    "a\t",
  ],
  ...["'a: #b'", "'a''b'", "'a", '"a, b"', '"é #"', '"a\\n"', '"a', "'a' b", "'a' #b", "'a'#b", "", "''", '""'],
  ...[
    "0",
    "1",
    "12",
    "01",
    "-1",
    "+1",
    "1.5",
    "1.",
    ".5",
    "1e3",
    "1e400",
    "0o7",
    "0x1F",
    "0b1",
    "1_000",
    "99999999999999999999",
  ],
  ...[
    "~",
    "null",
    "Null",
    "true",
    "TRUE",
    "yes",
    "off",
    "y",
    "=",
    ".inf",
    ".NaN",
    "2026-01-01",
    "12:30",
    "127.0.0.1:50051",
  ],
  ...[
    "[]",
    "[ ]",
    "[a, b]",
    "[a,b]",
    "[a,]",
    "[a b, c]",
    "[a:b]",
    "[a: b]",
    "[a #b]",
    "['a', \"b\"]",
    "[a:, b]",
    "[[a]]",
    "[a",
  ],
  ...[
    "{}",
    "{a: b}",
    "{ a: b, c: 1 }",
    "{a:b}",
    "{a}",
    '{"a": b}',
    '{"a":b}',
    "{a: b, a: c}",
    "{a: http://b:1/c?d=e,f}",
    "{a: [b]}",
  ],
  ...[
    "https://a/b?c=1,2",
    "os.environ/KEY",
    "team-*/**",
    "**",
    "./a",
    "../a",
    "...",
    "---",
    "-",
    "- a",
    "?",
    "? a",
    "$A",
    "${A}",
  ],
  ...[
    "|",
    "|-",
    ">",
    "&a",
    "&a b",
    "*a",
    "!a",
    "!!str 1",
    "%a",
    "@a",
    "`a`",
    "<<",
    "<<: {a: b}",
    "__proto__",
    "a\u2028b",
    "a\u0085b",
  ],
);
const key = fc.constantFrom(
  "",
  "a:",
  "b:",
  "c-d:",
  "secret_broker:",
  '"a b":',
  "'a':",
  "null:",
  "true:",
  "1:",
  "<<:",
  "? a:",
  "a",
);
const line = fc
  .tuple(
    fc.constantFrom("", "", "  ", "  ", "    ", "      ", " ", "- ", "  - ", "    - ", "- - ", "\t"),
    key,
    fc.constantFrom("", " ", " ", "  "),
    scalar,
    fc.constantFrom("", "", "", " # é", "#", "  "),
  )
  .map((parts) => parts.join(""));
const lines = fc.array(line, { minLength: 1, maxLength: 4 }).map((all) => `${all.join("\n")}\n`);

/** What a program writes of data, and the same after somebody has been at it. */
const text = fc.string({ unit: fc.constantFrom(...Array.from("ab1.:/*#, -'\"[]{}é")) });
const data = fc.dictionary(
  fc.stringMatching(/^[a-z_]{1,4}$/),
  fc.oneof(
    text,
    fc.jsonValue({ maxDepth: 3 }),
    fc.array(fc.record({ names: fc.array(text), effect: text }), { maxLength: 4 }),
  ),
  { minKeys: 1, maxKeys: 4 },
);
const written = fc
  .tuple(data, fc.constantFrom<"any" | "block">("any", "block"), fc.boolean())
  .map(([value, collectionStyle, indentSeq]) => stringify(value, { collectionStyle, indentSeq }));
const edited = fc
  .tuple(
    written,
    fc.nat(),
    fc.constantFrom(" ", "  ", ":", ": ", " #", "#", ",", "]", "[", "-", "- ", "'", '"', "\n"),
    fc.boolean(),
  )
  .map(([whole, place, put, removes]) => {
    const at = place % (whole.length + 1);
    return whole.slice(0, at) + (removes ? "" : put) + whole.slice(removes ? at + put.length : at);
  });

/** Expects of a text that is read by lines what YAML's reader makes of it; whether it is. */
function compared(whole: string): boolean {
  const plain = readPlainYamlMapping(whole);
  if (plain === undefined) return false;
  const yaml = new YamlSource(whole, file);
  expect([yaml.isIntact, yaml.problems, yaml.warnings, yaml.isEmpty], whole).toEqual([true, [], [], false]);
  expect(yaml.topKeys(), whole).toEqual(Object.keys(plain));
  for (const [name, section] of Object.entries(plain)) expect(yaml.section(name), whole).toEqual(section);
  return true;
}

describe("a configuration whose lines are plain", () => {
  it.each([
    ["what programs write", written, 0.1],
    ["the same with a fault", edited, 0.05],
    ["lines of any kind", lines, 0.005],
  ])("is what YAML's reader makes of it: %s", (_what, arbitrary, least) => {
    const count = { all: 0, plain: 0 };
    fc.assert(
      fc.property(arbitrary, (whole) => {
        count.all += 1;
        if (compared(whole)) count.plain += 1;
      }),
      { numRuns: 3_000 },
    );
    expect(count.plain / count.all).toBeGreaterThan(least);
  });

  it("may have what configurations have", () => {
    const whole = [
      "# the gateway",
      "",
      "general_settings: # LiteLLM's",
      "  key_management_settings: {access_mode: read_only, hosted_keys: [A, 'B', \"C\"]}",
      "secret_broker:",
      '  listen: ["127.0.0.1:50051", unix:/run/broker.sock]',
      "  policies:",
      "  - name: a gateway's",
      '    principals: [spiffe://example.org/ns/gateway, "*"]',
      "    names:",
      "      - team-*/**",
      "      - OPENAI_API_KEY   # and no other",
      "    limit: 30s",
      "    factor: 1.5",
      "    note:",
      "      of several",
      "      lines",
    ].join("\n");
    expect(readPlainYamlMapping(whole)).toEqual({
      general_settings: { key_management_settings: { access_mode: "read_only", hosted_keys: ["A", "B", "C"] } },
      secret_broker: {
        listen: ["127.0.0.1:50051", "unix:/run/broker.sock"],
        policies: [
          {
            name: "a gateway's",
            principals: ["spiffe://example.org/ns/gateway", "*"],
            names: ["team-*/**", "OPENAI_API_KEY"],
            limit: "30s",
            factor: 1.5,
            note: "of several lines",
          },
        ],
      },
    });
    expect(compared(whole)).toBe(true);
  });

  it.each([
    ["a key that stands twice", "a: 1\nb: {c: 1, c: 2}"],
    ["a key that is another's prototype", "__proto__: {a: 1}"],
    ["a merge", "a: 1\n<<: {b: 1}"],
    ["an anchor", "a: &b 1"],
    ["an alias", "a: *b"],
    ["a tag", "a: !!str 1"],
    ["a block of text", "a: |\n  b"],
    ["a quote over lines", "a: 'b\n  c'"],
    ["an escape", 'a: "\\n"'],
    ["a document's mark", "---\na: 1"],
    ["a directive", "%YAML 1.1\n---\na: 1"],
    ["a tab", "a:\tb"],
    ["a key that is null", "null: 1"],
    ["an infinite number", "a: 1e400"],
    ["a list", "- a"],
    ["nothing", ""],
    ["only a comment", "# a"],
    ["indentation that is wrong", "a:\n    b: 1\n  c: 1"],
  ])("is left to YAML's reader with %s", (_what, whole) => {
    expect(readPlainYamlMapping(whole)).toBeUndefined();
  });

  it.each([
    ["read by lines", ""],
    ["left to YAML's reader", "  tagged: !!str 1\n"],
  ])("is as good for problems when it is long and %s", (_what, last) => {
    const names = Array.from({ length: 1_000 }, (_, index) => `      - team/service-${String(index)}/KEY\n`).join("");
    const source = new YamlSource(
      `secret_broker:\n  policies:\n    - names:\n${names}      effect: alow\n${last}`,
      file,
    );
    expect([source.isIntact, source.isEmpty, source.problems, source.topKeys()]).toEqual([
      true,
      false,
      [],
      ["secret_broker"],
    ]);
    expect(source.section("secret_broker")).toMatchObject({ policies: [{ effect: "alow" }] });
    expect(source.section("not there")).toBeUndefined();
    expect(source.problem(["secret_broker", "policies", 0, "names", 999], "is wrong")).toMatchObject({
      line: 1_003,
      column: 9,
    });
    expect(source.keyProblem(["secret_broker", "policies", 0], "effect", "is wrong")).toMatchObject({
      line: 1_004,
      column: 7,
    });
  });

  it("says where a key stands twice", () => {
    const comment = `# ${"-".repeat(20_000)}`;
    const { problems } = new YamlSource(`${comment}\nsecret_broker:\n  manager: 1\n  manager: 2\n`, file);
    expect(problems).toEqual([expect.objectContaining({ line: 4, column: 3 })]);
  });
});
