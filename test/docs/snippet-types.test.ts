import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { guides, readBlocks, root } from "./markdown.js";

const snippets = guides.flatMap((document) =>
  readBlocks(document)
    .filter(({ language }) => language === "ts")
    .map((block, index) => {
      const file = block.title ?? `snippet-${String(index)}.ts`;
      return { place: block.place, code: block.code, path: join(document.replace(/\.md$/u, ""), file) };
    }),
);

const options: ts.CompilerOptions = {
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  erasableSyntaxOnly: true,
  allowImportingTsExtensions: true,
  skipLibCheck: true,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2023,
  lib: ["lib.es2024.d.ts"],
  types: ["node"],
  typeRoots: [join(root, "node_modules/@types")],
  paths: {
    "secret-broker": [join(root, "src/client/index.ts")],
    "secret-broker/contract": [join(root, "src/contract/index.ts")],
    "secret-broker/server": [join(root, "src/app/index.ts")],
    "secret-broker/testkit": [join(root, "src/testkit/index.ts")],
  },
};

describe("the TypeScript of the documents", () => {
  let folder: string;
  let diagnostics: readonly ts.Diagnostic[];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "snippets-"));
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    for (const { path, code } of snippets) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), `${code}\nexport {};\n`);
    }
    const program = ts.createProgram(
      snippets.map(({ path }) => join(folder, path)),
      options,
    );
    diagnostics = ts.getPreEmitDiagnostics(program);
  }, 60_000);

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(snippets)("$place passes the compiler", ({ path }) => {
    const own = diagnostics.filter(({ file }) => file === undefined || file.fileName === join(folder, path));
    expect(own.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
  });
});
