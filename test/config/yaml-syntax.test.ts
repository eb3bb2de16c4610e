import { describe, expect, it } from "vitest";
import { configOf, load, placesOf, problemsOf, withMemory } from "./config-text.js";

describe("a text that is not valid YAML", () => {
  it.each([
    ["a quote that is not closed", 'a: "b\n', "2:1", "missing"],
    ["a bracket that is not closed", "a: [b\n", "2:1", "bracket"],
    ["a brace that is not closed", "a: {b: c\nd: e\n", "2:1", "bracket"],
    ["a colon that is missing", "a: b\nc\n", "2:1", "colon"],
    ["a mapping on the line of its key", "a: b: c\n", "1:4", "nested mapping"],
    ["indentation that fits nothing", "a:\n    b: 1\n  c: 2\n", "3:1", "indentation"],
    ["a tab as indentation", "a:\n\tb: 1\n", "2:1", "tab"],
    ["a character that must be quoted", "a: @b\n", "1:4", "quote"],
    ["a character that must be quoted", "a: `b`\n", "1:4", "quote"],
    ["an escape that is none", 'a: "\\q"\n', "1:5", "escape"],
    ["an alias without its anchor", "a: *nowhere\n", "1:4", "anchor"],
    ["an alias within its own anchor", "a: &a [*a]\n", "1:8", "alias"],
    ["two anchors", "a: &x &y b\n", "1:7", "anchor"],
    ["two documents", "a: b\n---\nc: d\n", "2:1", "one document"],
    ["a list among keys", "a: 1\n- b\n", "2:1", ""],
  ])("%s is reported at its place", (_case, text, ...[at, words]) => {
    const problems = problemsOf(text);
    expect(placesOf(text)[0]).toBe(at);
    expect(problems[0]?.message).toContain(words);
  });

  it.each([
    ["at the top", "a: 1\na: 2\n", "4:1"],
    ["further in", "x:\n  - { a: 1, a: 2 }\n", "4:13"],
    ["in our section", "  log: { level: info, level: warn }\n", "3:23"],
  ])("reports a key that stands twice, %s", (_case, text, at) => {
    expect(placesOf(withMemory(text))).toEqual([at]);
    expect(problemsOf(withMemory(text))[0]?.message).toMatch(/^the key (?:a|level) stands twice/u);
  });

  it("reports a key that stands twice together with what else is wrong", () => {
    expect(placesOf("secret_broker: { manager: { kind: memory } }\nx: 1\nx: 2\nsecret_brokr: 1\n")).toEqual([
      "3:1",
      "4:1 secret_brokr",
    ]);
  });

  it("takes a key to stand twice also when it is written in two ways", () => {
    expect(placesOf(withMemory('  "manager": { kind: environment }\n'))).toEqual(["3:3"]);
    expect(placesOf(withMemory("x: { 1: a, '1': b }\n"))).toEqual(["3:12"]);
  });

  it.each([
    ["empty", ""],
    ["only comments", "# nothing\n# here\n"],
    ["only a document's start", "---\n"],
    ["null", "~\n"],
    ["a byte order mark", "\uFEFF"],
  ])("a file that is %s says what it needs", (_case, text) => {
    expect(problemsOf(text)).toHaveLength(1);
    expect(problemsOf(text)[0]?.message).toContain("is empty; it needs general_settings or secret_broker");
  });

  it("may begin with a byte order mark, a document's start or a directive, and end its lines in CR LF", () => {
    const text = withMemory("");
    for (const each of [
      `\uFEFF${text}`,
      `---\n${text}...\n`,
      `%YAML 1.2\n---\n${text}`,
      text.replaceAll("\n", "\r\n"),
    ]) {
      expect(configOf(each).manager).toEqual({ kind: "memory" });
    }
  });

  it("does not take what another YAML has for its own types as a section without settings", () => {
    for (const value of ["2001-12-14", "!!set { audit }", "!!omap []", "!!binary aGk=", "!own {}"]) {
      const text = `%YAML 1.1\n---\ngeneral_settings: { key_management_system: local }\nsecret_broker: ${value}\n`;
      const found = [...problemsOf(text)];
      if (found.length === 0) found.push(...load(text).warnings);
      expect(found.some(({ line }) => line === 4)).toBe(true);
    }
  });
});

describe("a text that is made to hurt", () => {
  const bomb = (levels: number): string => {
    const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let level = 1; level < levels; level += 1) {
      const alias = `*a${String(level - 1)}`;
      lines.push(`a${String(level)}: &a${String(level)} [${Array.from({ length: 10 }, () => alias).join(", ")}]`);
    }
    return `${lines.join("\n")}\n`;
  };

  it("is refused when its aliases would fill our sections without end", () => {
    const text = `${bomb(12)}secret_broker:\n  manager: { kind: memory }\n  listen: *a11\n`;
    expect(placesOf(text).some((each) => each.includes("secret_broker"))).toBe(true);
  });

  it("may repeat itself in what is LiteLLM's", () => {
    expect(configOf(withMemory(bomb(12))).manager).toEqual({ kind: "memory" });
    const models = Array.from({ length: 500 }, (_, index) => `  - { model_name: m${String(index)}, p: *p }\n`).join("");
    expect(configOf(withMemory(`p: &p { timeout: 3 }\nmodel_list:\n${models}`)).manager).toEqual({ kind: "memory" });
  });

  it.each([
    ["brackets", "[".repeat(100_000)],
    ["closed brackets", "[".repeat(50_000) + "]".repeat(50_000)],
    ["braces", "{a: ".repeat(50_000)],
    ["dashes", "- ".repeat(50_000)],
    ["keys", Array.from({ length: 500 }, (_, depth) => `${" ".repeat(depth)}k:`).join("\n")],
    ["anchors", "&a ".repeat(50_000)],
    ["quotes", `"'`.repeat(50_000)],
  ])("is answered for: %s", (_case, text) => {
    expect(problemsOf(text).length).toBeGreaterThan(0);
    expect(problemsOf(`secret_broker:\n  manager: { kind: memory }\n  x: ${text}`).length).toBeGreaterThan(0);
  });

  it("is answered for with very many keys", { timeout: 60_000 }, () => {
    const keys = (indent: string): string =>
      Array.from({ length: 60_000 }, (_, index) => `${indent}k${String(index)}: 1\n`).join("");
    expect(placesOf(withMemory(keys("")))).toEqual([]);
    expect(problemsOf(withMemory(keys("  "))).length).toBeGreaterThan(0);
    expect(
      problemsOf(withMemory(`general_settings:\n  key_management_settings:\n    tags:\n${keys("      ")}`)).length,
    ).toBeGreaterThan(0);
  });
});
