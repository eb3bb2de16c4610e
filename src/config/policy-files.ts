import { readdir, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { ConfigError, type ConfigProblem } from "./config-error.js";
import { parseListFile } from "./list-file.js";
import type { PolicyConfig } from "./policies-config.js";
import { policiesSchema } from "./policies-schema.js";
import { readConfigText } from "./read-config-text.js";

const extensions: ReadonlySet<string> = new Set([".yaml", ".yml"]);

/**
 * The policies of files and of directories of files, in the order of the list and, within a directory, of the names.
 * Hidden files and those that are not YAML by their name are left alone.
 * @throws ConfigError with every problem of every file
 */
export async function loadPolicyFiles(paths: readonly string[]): Promise<readonly PolicyConfig[]> {
  const problems: ConfigProblem[] = [];
  const policies: PolicyConfig[] = [];
  const collect = async <T>(work: () => Promise<readonly T[]>): Promise<readonly T[]> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
      return [];
    }
  };
  for (const path of paths) {
    for (const file of await collect(() => filesAt(path))) {
      policies.push(...(await collect(async () => parsePolicyFile(await readConfigText(file), file))));
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return policies;
}

/**
 * The policies of one file. A rule without a name of its own is called by its file and place: `grants.yaml#policies[3]`.
 * @throws ConfigError with every problem
 */
export function parsePolicyFile(text: string, file: string): readonly PolicyConfig[] {
  return parseListFile({ key: "policies", schema: policiesSchema }, text, file).map((policy) =>
    unnamed.test(policy.name) ? { ...policy, name: `${basename(file)}#${policy.name}` } : policy,
  );
}

/** What a rule without a name is called within its list. */
const unnamed = /^policies\[[0-9]+\]$/;

async function filesAt(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return [path];
  const names = await readdir(path);
  const files = names.filter((name) => !name.startsWith(".") && extensions.has(extname(name))).sort();
  return files.map((name) => join(path, name));
}
