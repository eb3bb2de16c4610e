import type { z } from "zod";
import { isMapping } from "./mapping.js";
import { suggestion } from "./suggest.js";

type RawIssue = z.core.$ZodRawIssue;

/** Says in our words what a schema found. What the file says is never quoted: a secret may stand in any wrong place. */
export function schemaMessage(issue: RawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return typeMessage(issue.expected, issue.input);
    case "invalid_value":
      return choiceMessage(issue.values.map(String), issue.input);
    case "invalid_union":
      return unionMessage(issue);
    case "invalid_key":
      return "is a key of the wrong length; give it 1 to 128 characters";
    case "too_big":
      return `must be at most ${String(issue.maximum)}${unitOf(issue.origin)}`;
    case "too_small":
      return `must be at least ${String(issue.minimum)}${unitOf(issue.origin)}`;
    default:
      return issue.message ?? "is not valid";
  }
}

/** `, not a number`: what stands there instead, without its value. */
export function foundText(input: unknown): string {
  return input === undefined ? "" : `, not ${found(input)}`;
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

function typeMessage(expected: string, input: unknown): string {
  const wanted = typeNames[expected] ?? expected;
  if (input === undefined) return `is missing; set it to ${wanted}`;
  if (input === null) return `is empty; set it to ${wanted}, or remove it`;
  if (expected === "int") return "must be a whole number, not a fraction";
  return `must be ${wanted}${foundText(input)}${quotingFix(expected, input)}`;
}

function quotingFix(expected: string, input: unknown): string {
  if (expected === "string" && (typeof input === "number" || typeof input === "boolean")) return "; quote it";
  if ((expected === "number" || expected === "boolean") && typeof input === "string")
    return "; write it without quotes";
  return "";
}

function found(input: unknown): string {
  if (input === null) return "an empty value";
  if (Array.isArray(input)) return "a list";
  if (typeof input === "number") return Number.isFinite(input) ? "a number" : "an infinite number or none";
  if (isMapping(input)) return "a mapping";
  return typeof input === "object" ? "a value of another type" : `a ${typeof input}`;
}

function choiceMessage(choices: readonly string[], input: unknown): string {
  const listed = choices.map((choice) => `"${choice}"`).join(", ");
  if (input === undefined) return `is missing; set it to one of ${listed}`;
  if (typeof input !== "string") return `must be one of ${listed}${foundText(input)}`;
  return `must be one of ${listed}${suggestion(input, choices)}`;
}

function unionMessage(issue: RawIssue & { readonly code: "invalid_union" }): string {
  const { input, discriminator, options } = issue;
  if (discriminator !== undefined && Array.isArray(options)) {
    return choiceMessage(options.map(String), memberOf(input, discriminator));
  }
  const types = issue.errors.flatMap((branch) =>
    branch.flatMap((inner) => (inner.code === "invalid_type" && inner.path.length === 0 ? [inner.expected] : [])),
  );
  const wanted = types.map((type) => typeNames[type] ?? type).join(" or ");
  return `must be ${wanted}${foundText(input)}`;
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null
    ? Object.entries(value).find(([name]) => name === key)?.[1]
    : undefined;
}

function unitOf(origin: string): string {
  if (origin === "string") return " characters long";
  return origin === "array" ? " items long" : "";
}
