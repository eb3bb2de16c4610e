import { readdir, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { ConfigError, type ConfigProblem } from "./config-error.js";
import { refuseWritable } from "./file-rights.js";
import { parseListFile } from "./list-file.js";
import type { PolicyConfig } from "./policies-config.js";
import { isGivenName, noteRuleNames, policiesSchema, ruleAt } from "./policies-schema.js";
import { readConfigText } from "./read-config-text.js";

const extensions: ReadonlySet<string> = new Set([".yaml", ".yml"]);

/** What the configuration itself says. */
export interface OwnPolicies {
  readonly file: string;
  readonly policies: readonly PolicyConfig[];
}

/**
 * The policies of files and of directories of files, in the order of the list and, within a directory, of the names.
 * Hidden files and those that are not YAML by their name are left alone. A file that is meant twice is read once.
 * @param own the policies of the configuration itself, whose names are taken
 * @throws ConfigError with every problem of every file
 */
export async function loadPolicyFiles(paths: readonly string[], own: OwnPolicies): Promise<readonly PolicyConfig[]> {
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
  const files = new Set<string>();
  for (const path of paths) for (const file of await collect(() => filesAt(path))) files.add(file);
  const labels = labelsOf(files);
  const places = new Map<string, string>();
  noteRuleNames(own.policies, places, (index) => `secret_broker.${ruleAt(index)} in ${own.file}`);
  for (const file of files) {
    const listed = { file, label: labels.get(file) ?? file, places };
    policies.push(...(await collect(() => loadPolicyFile(listed))));
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return policies;
}

/** A file of policies among others. */
interface ListedFile {
  readonly file: string;
  /** What it is called among the files. */
  readonly label: string;
  /** Name → where the rule stands, of every rule read before. */
  readonly places: Map<string, string>;
}

async function loadPolicyFile(listed: ListedFile): Promise<readonly PolicyConfig[]> {
  const text = await readConfigText(listed.file);
  await refuseWritable(listed.file, "everyone");
  return parsePolicyFile(text, listed);
}

/** A rule without a name of its own is called by its file and place: `grants.yaml#policies[3]`. */
function parsePolicyFile(text: string, { file, label, places }: ListedFile): readonly PolicyConfig[] {
  const check = (policies: readonly PolicyConfig[]): ReturnType<typeof noteRuleNames> =>
    noteRuleNames(policies, places, (index) => `${ruleAt(index)} in ${file}`);
  return parseListFile({ key: "policies", schema: policiesSchema, check }, text, file).map((policy) =>
    isGivenName(policy.name) ? { ...policy, name: `${label}#${policy.name}` } : policy,
  );
}

/** What files are called: by their names alone, but for those of one name in several directories. */
function labelsOf(files: ReadonlySet<string>): ReadonlyMap<string, string> {
  const byName = Map.groupBy(files, (file) => basename(file));
  const isAlone = (name: string): boolean => byName.get(name)?.length === 1;
  return new Map([...files].map((file) => [file, isAlone(basename(file)) ? basename(file) : file]));
}

async function filesAt(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return [path];
  const names = await readdir(path);
  const files = names.filter((name) => !name.startsWith(".") && extensions.has(extname(name))).sort();
  return files.map((name) => join(path, name));
}
