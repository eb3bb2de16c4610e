import { isBuiltin } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";

/**
 * One row of the import table: what the files of one folder under src/ may import besides each other.
 *
 * @typedef {object} Row
 * @property {readonly string[]} [folders] folders under src/; `"*"` for all, `"managers/*"` for each manager
 * @property {readonly string[]} [except] folders taken out of `folders`
 * @property {readonly string[]} [types] folders of which it may import types, by `import type`
 * @property {readonly string[]} [packages] npm packages; `"*"` for all
 * @property {boolean} [node] false when not even Node's own modules are for it
 * @property {boolean} [process] true when it may read the environment and arguments, and exit
 */

/** `managers/memory/x.ts` → `managers/memory`, `broker/a/x.ts` → `broker`, `main.ts` → `main` */
function folderOf(path) {
  const [first, second] = path.split("/");
  if (first === "managers" && second !== undefined) return `managers/${second}`;
  return first.replace(/\.[cm]?[jt]s$/u, "");
}

/** `@grpc/grpc-js/build/x` → `@grpc/grpc-js` */
function packageOf(specifier) {
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

function covers(patterns, folder) {
  return patterns.some(
    (pattern) => pattern === "*" || pattern === folder || (pattern === "managers/*" && folder.startsWith("managers/")),
  );
}

function rowOf(table, folder) {
  return table[folder] ?? (folder.startsWith("managers/") ? table["managers/*"] : undefined);
}

function folderProblem({ row, folder }, { target, onlyTypes }) {
  const { folders = [], except = [], types = [] } = row;
  if (target === folder) return undefined;
  if (covers(folders, target) && !covers(except, target)) return undefined;
  if (!covers(types, target)) return `src/${folder} may not import src/${target}`;
  return onlyTypes ? undefined : `src/${folder} may import only types of src/${target}, by "import type"`;
}

function relativeProblem(importer, { specifier, onlyTypes }) {
  const path = relative(importer.sources, resolve(dirname(importer.file), specifier))
    .split(sep)
    .join("/");
  if (path.startsWith("..")) return "src may not import what is outside src";
  if (/(^|\/)index\.[jt]s$/u.test(path)) return "a package door is for users; import the file behind it";
  return folderProblem(importer, { target: folderOf(path), onlyTypes });
}

function nodeProblem({ row, folder }, specifier) {
  if (!specifier.startsWith("node:")) return `write "node:${specifier}"`;
  if (row.node === false) return `src/${folder} may not import Node's modules`;
  if (specifier === "node:process" && row.process !== true) return `src/${folder} may not reach for the process`;
  return undefined;
}

function packageProblem({ row, folder }, specifier) {
  const name = packageOf(specifier);
  const { packages = [] } = row;
  if (name === "secret-broker" || name.startsWith("#")) return "src may not import the package's own doors";
  return packages.includes("*") || packages.includes(name) ? undefined : `src/${folder} may not import "${name}"`;
}

/** What is wrong with one import, or undefined. */
function problemOf(importer, found) {
  const { specifier } = found;
  if (specifier.startsWith(".")) return relativeProblem(importer, found);
  if (isBuiltin(specifier)) return nodeProblem(importer, specifier);
  return packageProblem(importer, specifier);
}

/** Checks every import, re-export, `import()` and `import("…")` type of a file under src/ against the import table. */
export const importTableRule = {
  meta: {
    type: "problem",
    docs: { description: "lets each folder import only what its row of the import table names" },
    schema: [{ type: "object" }],
  },
  create(context) {
    const sources = join(context.cwd, "src");
    const folder = folderOf(relative(sources, context.filename).split(sep).join("/"));
    const row = rowOf(context.options[0], folder);
    const report = (node, message) => {
      context.report({ node, message: `${message}; see the import table in eslint.config.js` });
    };
    if (row === undefined) {
      return { Program: (node) => report(node, `src/${folder} has no row in the import table`) };
    }
    const importer = { file: context.filename, folder, row, sources };
    const check = (source, onlyTypes) => {
      if (typeof source?.value !== "string") return;
      const problem = problemOf(importer, { specifier: source.value, onlyTypes });
      if (problem !== undefined) report(source, problem);
    };
    return {
      ImportDeclaration: (node) => check(node.source, node.importKind === "type"),
      ExportNamedDeclaration: (node) => check(node.source, node.exportKind === "type"),
      ExportAllDeclaration: (node) => check(node.source, node.exportKind === "type"),
      ImportExpression: (node) => check(node.source, false),
      TSImportType: (node) => check(node.source, true),
    };
  },
};
