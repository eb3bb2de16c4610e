import type { z } from "zod";
import type { ConfigProblem } from "./config-error.js";
import { mappingPath } from "./mapping-keys.js";
import type { SettingPath } from "./setting-path.js";
import { suggestion } from "./suggest.js";
import type { YamlSource } from "./yaml-source.js";

type Issue = z.core.$ZodIssue;

/** Where a section stands, and which keys each of its mappings knows: `audit` → its keys, the section itself under "". */
export interface SectionFacts {
  readonly path: SettingPath;
  readonly keys: ReadonlyMap<string, readonly string[]>;
}

/** What a schema found wrong with a section, each at its place. */
export function schemaProblems(source: YamlSource, section: SectionFacts, issues: readonly Issue[]): ConfigProblem[] {
  return issues.flatMap((issue) => problemsOf(source, section, issue));
}

function problemsOf(source: YamlSource, section: SectionFacts, issue: Issue): ConfigProblem[] {
  const inner = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
  const path = [...section.path, ...inner];
  if (issue.code === "unrecognized_keys") {
    const known = section.keys.get(mappingPath(inner)) ?? [];
    return issue.keys.map((key) => source.keyProblem(path, key, unknownKey(key, known)));
  }
  const last = path.at(-1);
  if (issue.code === "invalid_key" && typeof last === "string") {
    return [source.keyProblem(path.slice(0, -1), last, issue.message)];
  }
  const branch = issue.code === "invalid_union" ? fittingBranch(issue.errors) : undefined;
  if (branch !== undefined) return schemaProblems(source, { ...section, path }, branch);
  return [source.problem(path, issue.message)];
}

function unknownKey(key: string, known: readonly string[]): string {
  const hint = suggestion(key, known);
  if (hint !== "" || known.length === 0) return `is unknown${hint || "; remove it"}`;
  return known.includes(key)
    ? "does not belong to this kind; remove it"
    : `is unknown; the keys are ${known.join(", ")}`;
}

/** Of several shapes, the one that has the right type and is wrong only in what it holds. */
function fittingBranch(branches: readonly Issue[][]): Issue[] | undefined {
  return branches.find((branch) => !branch.some(({ code, path }) => code === "invalid_type" && path.length === 0));
}
