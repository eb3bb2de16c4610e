import { root } from "./markdown.js";

/** The rows of the import table as a document shows them: folder, folders, types, packages, Node, process. */
export async function importTableRows(): Promise<readonly (readonly string[])[]> {
  const loaded: unknown = await import(`${root}eslint.config.js`);
  const config: unknown = isRecord(loaded) ? loaded["default"] : undefined;
  if (!Array.isArray(config)) throw new Error("eslint.config.js has no list of settings");
  for (const entry of config as readonly unknown[]) {
    const rules = isRecord(entry) ? entry["rules"] : undefined;
    const rule: unknown = isRecord(rules) ? rules["secret-broker/import-table"] : undefined;
    const table: unknown = Array.isArray(rule) ? rule[1] : undefined;
    if (isRecord(table)) return Object.entries(table).map(([folder, row]) => [folder, ...cellsOf(row)]);
  }
  throw new Error("eslint.config.js has no import table");
}

function cellsOf(row: unknown): readonly string[] {
  if (!isRecord(row)) throw new Error("a row of the import table is no object");
  const except = names(row["except"]);
  const folders = names(row["folders"]).map((folder) => (folder === "*" ? "all" : folder));
  return [
    `${folders.join(", ")}${except.length > 0 ? ` but ${except.join(", ")}` : ""}`,
    names(row["types"]).join(", "),
    names(row["packages"])
      .map((name) => (name === "*" ? "all" : name))
      .join(", "),
    row["node"] === false ? "" : "yes",
    row["process"] === true ? "yes" : "",
  ];
}

function names(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
