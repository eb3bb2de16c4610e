import type { z } from "zod";
import type { ConfigProblem } from "./config-error.js";
import { suggestion } from "./suggest.js";
import type { SettingPath, YamlSource } from "./yaml-source.js";

type Issue = z.core.$ZodIssue;

/** Where a section stands, and which keys each of its mappings knows: `audit` → its keys, the section itself under "". */
export interface SectionFacts {
  readonly path: SettingPath;
  readonly keys: ReadonlyMap<string, readonly string[]>;
}

/** What a schema found wrong with a section, in our words and at its place. Values are never quoted. */
export function schemaProblems(source: YamlSource, section: SectionFacts, issues: readonly Issue[]): ConfigProblem[] {
  return issues.flatMap((issue) => problemsOf(source, section, issue));
}

function problemsOf(source: YamlSource, section: SectionFacts, issue: Issue): ConfigProblem[] {
  const inner = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
  const path = [...section.path, ...inner];
  if (issue.code === "unrecognized_keys") {
    const known = section.keys.get(inner.join(".")) ?? [];
    return issue.keys.map((key) => source.keyProblem(path, key, `unknown key${suggestion(key, known)}`));
  }
  if (issue.code === "invalid_key") {
    return [source.problem(path, "must have keys of 1 to 128 characters")];
  }
  return [source.problem(path, messageOf(issue))];
}

function messageOf(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${typeNames[issue.expected] ?? issue.expected}${foundType(issue.input, issue.expected)}`;
    case "invalid_value":
      return `must be one of ${issue.values.map((value) => `"${String(value)}"`).join(", ")}`;
    case "invalid_union":
      return unionMessage(issue);
    case "too_big":
      return `must be at most ${String(issue.maximum)}${sizeUnit(issue.origin)}`;
    case "too_small":
      return `must be at least ${String(issue.minimum)}${sizeUnit(issue.origin)}`;
    default:
      return issue.message;
  }
}

const typeNames: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "a mapping",
  record: "a mapping",
  array: "a list",
};

function foundType(input: unknown, expected: string): string {
  if (input === undefined) return "";
  if (Array.isArray(input)) return ", not a list";
  if (typeof input === "number" || typeof input === "boolean") {
    return `, not a ${typeof input}${expected === "string" ? "; quote it" : ""}`;
  }
  return input !== null && typeof input === "object" ? ", not a mapping" : `, not a ${typeof input}`;
}

function unionMessage(issue: Issue & { readonly code: "invalid_union" }): string {
  if (issue.discriminator !== undefined)
    return `must have a ${issue.discriminator} of "module", "memory" or "environment"`;
  const types = issue.errors.flatMap((branch) =>
    branch.flatMap((inner) => (inner.code === "invalid_type" && inner.path.length === 0 ? [inner.expected] : [])),
  );
  return `must be ${types.map((type) => typeNames[type] ?? type).join(" or ")}`;
}

function sizeUnit(origin: string): string {
  if (origin === "string") return " characters long";
  return origin === "array" ? " items long" : "";
}
