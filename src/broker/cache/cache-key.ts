import type { Options } from "../guarded-call.js";

/** Everything of a question but its name that its answer may hang on. */
export interface KeyParts {
  /** Who asks; undefined where every caller is answered the same. */
  readonly principal: string | undefined;
  readonly version: number | undefined;
  /** As the manager sees them. */
  readonly options: Options | undefined;
}

const maxOptionsLength = 2_048;
const maxDepth = 16;

/**
 * A text that is the same for equal questions and for no others. Every text in it is preceded by its length, so that
 * nothing a caller writes can be read as something else.
 * @returns undefined when the options are too many, or nothing that can be compared: then nothing is kept
 */
export function cacheKey({ principal, version, options }: KeyParts): string | undefined {
  const optionsText = options === undefined ? "" : optionsKey(options);
  if (optionsText === undefined) return undefined;
  if (principal === undefined && version === undefined && optionsText === "") return "";
  const asker = principal === undefined ? "" : counted(principal);
  return `${asker}|${version === undefined ? "" : String(version)}|${optionsText}`;
}

function optionsKey(options: Options): string | undefined {
  if (Object.keys(options).length === 0) return "";
  const parts: string[] = [];
  return appendValue(parts, options, maxDepth) ? parts.join("") : undefined;
}

/** Returns false once it cannot become a key. */
function appendValue(parts: string[], value: unknown, depth: number): boolean {
  if (depth === 0 || parts.length > maxOptionsLength) return false;
  switch (typeof value) {
    case "string":
      return appendText(parts, value);
    case "number":
      parts.push("#", Object.is(value, -0) ? "-0" : String(value), ";");
      return true;
    case "boolean":
      parts.push(value ? "t" : "f");
      return true;
    case "object":
      return value === null ? parts.push("n") > 0 : appendObject(parts, value, depth);
    default:
      return false;
  }
}

function appendObject(parts: string[], value: object, depth: number): boolean {
  if (Array.isArray(value)) {
    parts.push("[");
    for (const item of value) if (!appendValue(parts, item, depth - 1)) return false;
    parts.push("]");
    return true;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  parts.push("{");
  for (const [key, member] of Object.entries(value).sort(byKey)) {
    if (!appendText(parts, key) || !appendValue(parts, member, depth - 1)) return false;
  }
  parts.push("}");
  return true;
}

function appendText(parts: string[], text: string): boolean {
  parts.push(counted(text));
  return text.length <= maxOptionsLength;
}

function counted(text: string): string {
  return `${String(text.length)}:${text}`;
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}
