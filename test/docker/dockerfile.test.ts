import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";
import { describe, expect, it } from "vitest";
import { readDockerfile, type Instruction } from "../../scripts/read-dockerfile.js";

const root = new URL("../../", import.meta.url);
const stages = readDockerfile(readFileSync(new URL("Dockerfile", root), "utf8"));
const ignoreFile = readFileSync(new URL(".dockerignore", root), "utf8");

const all = stages.flatMap(({ instructions }) => instructions);
const last = stages.at(-1)?.instructions ?? [];
const named = (keyword: string, from: readonly Instruction[] = all): readonly Instruction[] =>
  from.filter((instruction) => instruction.keyword === keyword);
const copiedFromContext = named("COPY")
  .filter(({ flags }) => !flags.has("from"))
  .flatMap(({ words }) => words.slice(0, -1));

/** A pattern of .dockerignore, in which `*` matches dot files too. */
function toRegExp(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/gu, "\\$&");
  const source = escaped.replace(/\*\*\/|\*/gu, (star) => (star === "*" ? "[^/]*" : "(?:.*/)?"));
  return new RegExp(`^${source}$`, "u");
}

const ignoreRules = ignoreFile
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => ({ keeps: line.startsWith("!"), pattern: toRegExp(line.replace(/^!/u, "")) }));

/** Whether the builder never sees the path: the last rule that matches it, or a folder above it, decides. */
function isIgnored(path: string): boolean {
  const parts = path.split("/");
  const above = parts.map((_part, index) => parts.slice(0, index + 1).join("/"));
  const rule = ignoreRules.findLast(({ pattern }) => above.some((folder) => pattern.test(folder)));
  return rule?.keeps === false;
}

describe("the Dockerfile", () => {
  it("starts every stage from a full version of Node's slim image", () => {
    expect(stages).toHaveLength(2);
    for (const { base } of stages) expect(base).toMatch(/^node:24\.\d+\.\d+-[a-z]+-slim$/u);
    expect(new Set(stages.map(({ base }) => base)).size).toBe(1);
  });

  it("runs the Node version the repository is developed with", () => {
    const manifest = readFileSync(new URL("package.json", root), "utf8");
    const version = /"node": "(\d+\.\d+\.\d+)"/u.exec(manifest)?.[1] ?? "none";
    expect(stages[0]?.base).toContain(`node:${version}-`);
  });

  it("gives up root, by number, before its program starts", () => {
    const user = last.findIndex(({ keyword }) => keyword === "USER");
    const entrypoint = last.findIndex(({ keyword }) => keyword === "ENTRYPOINT");
    expect(last[user]?.text).toMatch(/^[1-9]\d{3,}:[1-9]\d{3,}$/u);
    expect(user).toBeLessThan(entrypoint);
    expect(named("USER", last)).toHaveLength(1);
  });

  it("starts the broker without a shell, so that signals reach it", () => {
    expect(named("ENTRYPOINT", last)[0]?.words).toEqual(["node", "dist/main.js"]);
    expect(named("CMD", last)[0]?.words).toEqual(["serve", "--config", "/etc/secret-broker/config.yaml"]);
    expect(named("STOPSIGNAL", last)[0]?.text).toBe("SIGTERM");
  });

  it("asks the admin listener for its health, with a script that parses", () => {
    const [program, option, script = ""] = named("HEALTHCHECK", last)[0]?.words ?? [];
    expect([program, option]).toEqual(["node", "-e"]);
    expect(script).toContain("127.0.0.1");
    expect(() => new Script(script)).not.toThrow();
  });

  it("fetches nothing but by npm, and passes no value at build time", () => {
    const known = ["WORKDIR", "COPY", "RUN", "ENV", "USER", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"];
    for (const { keyword } of all) expect(known).toContain(keyword);
    expect(named("ENV").map(({ text }) => text)).toEqual(["NODE_ENV=production"]);
  });

  it("has only steps that scripts/prove-dockerfile.mjs can do anywhere", () => {
    expect(named("RUN")).not.toHaveLength(0);
    for (const { flags, text } of named("RUN")) {
      expect([...flags]).toEqual([]);
      expect(text).toMatch(/^npm (ci|run|prune) [\w =:-]+$/u);
    }
  });

  it("runs no install script", () => {
    for (const { text } of named("RUN")) {
      if (!text.startsWith("npm run ")) expect(text).toContain("--ignore-scripts");
    }
  });

  it("copies only what is there, and from no stage but its own", () => {
    expect(copiedFromContext).not.toHaveLength(0);
    for (const path of copiedFromContext) expect(existsSync(fileURLToPath(new URL(path, root)))).toBe(true);
    const names = stages.map(({ name }) => name);
    for (const { flags } of named("COPY")) expect([...names, undefined]).toContain(flags.get("from"));
  });
});

describe("the build context", () => {
  it.each([
    "node_modules/pino/pino.js",
    ".git/config",
    "dist/main.js",
    ".env",
    "src/.env.local",
    "src/server/tls.key",
    "src/server/tls.pem",
    "src/node_modules/a.js",
    "config.yaml",
    "examples/quickstart/config.yaml",
    "audit.log",
    "broker.sock",
    "test/a.test.ts",
  ])("leaves out %s", (path) => {
    expect(isIgnored(path)).toBe(true);
  });

  it("holds everything that is copied", () => {
    expect(copiedFromContext.filter(isIgnored)).toEqual([]);
    expect(isIgnored("src/domain/secret.ts")).toBe(false);
  });
});

describe("the Dockerfile reader", () => {
  it("joins continued lines, skips comments, and takes flags apart", () => {
    const source = '# a comment\nFROM a:1 AS one\nCOPY --from=x --link a \\\n# between\n  b /to/\nCMD ["a b", "c"]\n';
    const [stage] = readDockerfile(source);
    expect(stage).toMatchObject({ base: "a:1", name: "one" });
    expect(stage?.instructions.map(({ keyword, words, line }) => [keyword, words, line])).toEqual([
      ["COPY", ["a", "b", "/to/"], 3],
      ["CMD", ["a b", "c"], 6],
    ]);
    expect([...(stage?.instructions[0]?.flags ?? [])]).toEqual([
      ["from", "x"],
      ["link", "true"],
    ]);
  });

  it("refuses an instruction that belongs to no stage", () => {
    expect(() => readDockerfile("RUN ls\nFROM a")).toThrow("line 1: RUN before the first FROM");
  });
});
