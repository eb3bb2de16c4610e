import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { root } from "./running-broker.js";

/** A JSON value as it stands in a file of vectors or in an answer. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json };

/** A mapping of JSON values. */
export type JsonObject = Readonly<Record<string, Json>>;

/** One step of a file of vectors; clients/vectors/README.md says what its members mean. */
export interface VectorStep {
  readonly title: string;
  readonly as?: string;
  readonly op: string;
  readonly args: JsonObject;
  readonly expect?: JsonObject;
  readonly error?: JsonObject;
  readonly save?: Readonly<Record<string, string>>;
  readonly eventually?: boolean;
}

/** A file of vectors. */
export interface VectorFile {
  readonly file: string;
  readonly description: string;
  readonly steps: readonly VectorStep[];
}

/** Who calls, by name: a token, a socket, or neither. */
export type Callers = Readonly<Record<string, { readonly token?: string; readonly socket?: string }>>;

const folder = join(root, "clients/vectors");

/** All files of vectors, in the order in which they are run. */
export function readVectorFiles(): VectorFile[] {
  return globSync(join(folder, "[0-9]*.json"))
    .sort()
    .map((path) => {
      const { description, steps } = JSON.parse(readFileSync(path, "utf8")) as Omit<VectorFile, "file">;
      return { file: basename(path), description, steps };
    });
}

/** The callers that the steps name. */
export function readCallers(): Callers {
  return JSON.parse(readFileSync(join(folder, "callers.json"), "utf8")) as Callers;
}

/** What is asked, with repetitions written out and saved members put in. */
export function expandArgs(value: Json, saved: ReadonlyMap<string, Json>): Json {
  if (isList(value)) return value.map((item) => expandArgs(item, saved));
  if (!isObject(value)) return value;
  if (typeof value["repeat"] === "string") return value["repeat"].repeat(Number(value["times"]));
  if (typeof value["saved"] === "string") return saved.get(value["saved"]) ?? null;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, expandArgs(item, saved)]));
}

/** The places where an answer is not what is expected, by the rules of the README. */
export function differences(expected: Json, actual: Json | undefined, path: string): string[] {
  if (expected === "*") return typeof actual === "string" && actual !== "" ? [] : [`${path} is empty`];
  if (expected === null) return isAbsent(actual) ? [] : [`${path} is there`];
  if (isList(expected)) return listDifferences(expected, actual, path);
  if (isObject(expected)) return memberDifferences(expected, actual, path);
  return Object.is(expected, actual) ? [] : [`${path} is ${shown(actual)}, not ${shown(expected)}`];
}

function memberDifferences(expected: JsonObject, actual: Json | undefined, path: string): string[] {
  if (actual === undefined || !isObject(actual)) return [`${path} is no mapping`];
  // Tags are compared as a whole.
  const isWhole = !path.endsWith(".tags") || Object.keys(actual).length === Object.keys(expected).length;
  const members = Object.entries(expected).flatMap(([key, item]) => differences(item, actual[key], `${path}.${key}`));
  return isWhole ? members : [`${path} has other members`, ...members];
}

function listDifferences(expected: readonly Json[], actual: Json | undefined, path: string): string[] {
  if (actual === undefined || !isList(actual)) return [`${path} is no list`];
  if (actual.length !== expected.length)
    return [`${path} has ${String(actual.length)} items, not ${String(expected.length)}`];
  return expected.flatMap((item, index) => differences(item, actual[index], `${path}[${String(index)}]`));
}

function shown(value: Json | undefined): string {
  return value === undefined ? "absent" : JSON.stringify(value).slice(0, 200);
}

function isAbsent(value: Json | undefined): boolean {
  return value === undefined || value === null || value === "" || value === 0;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Whether a JSON value is a mapping. */
export function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
