import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** The relative imports of a file, types' included, as paths beside it. */
function importsOf(path: string, source: string): string[] {
  return ts
    .preProcessFile(source)
    .importedFiles.map(({ fileName }) => fileName)
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => normalize(join(dirname(path), specifier)).replace(/\.js$/u, ".ts"));
}

/** Each cycle once, as `a → b → a`. */
function findCycles(graph: ImportGraph): string[] {
  const cycles = new Set<string>();
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (file: string): void => {
    const start = trail.indexOf(file);
    if (start >= 0) cycles.add([...trail.slice(start), file].join(" → "));
    if (start >= 0 || done.has(file)) return;
    trail.push(file);
    for (const imported of graph.get(file) ?? []) visit(imported);
    trail.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return [...cycles];
}

function graphOf(sources: Readonly<Record<string, string>>): ImportGraph {
  return new Map(Object.entries(sources).map(([path, source]) => [path, importsOf(path, source)]));
}

describe("imports", () => {
  it("go round in no circle", () => {
    const folder = fileURLToPath(new URL("../../src/", import.meta.url));
    const paths = globSync("**/*.ts", { cwd: folder });
    const graph = graphOf(Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path), "utf8")])));
    expect(graph.size).toBeGreaterThan(50);
    expect(findCycles(graph)).toEqual([]);
  });

  it("are seen in every form they take", () => {
    const graph = graphOf({
      "a/one.ts": 'import type { Two } from "../b/two.js";',
      "b/two.ts": 'export * from "./three.js";',
      "b/three.ts": 'const four = await import("../four.js");',
      "four.ts": 'import "./a/one.js"; import "node:fs";',
      "five.ts": 'import "./four.js";',
    });
    expect(findCycles(graph)).toEqual(["a/one.ts → b/two.ts → b/three.ts → four.ts → a/one.ts"]);
  });
});
