import { createRequire } from "node:module";
import type * as JsYaml from "js-yaml";

const require = createRequire(import.meta.url);

/** No control characters, no line ends of other standards, no halves of characters: for quotes and comments. */
const visible = String.raw`[^\p{Cc}\p{Cs}\u2028\u2029\uFEFF]`;
const quoted = String.raw`"(?:(?!["\\])${visible})*"|'(?:(?!')${visible})*'`;

/** Letters, digits and paths. Numbers with an exponent are infinite for one reader where they are text for the other. */
const start = String.raw`(?:(?![0-9.]+[eE])[A-Za-z0-9_/$]|\.{1,2}/)`;
/** A ":" or a "#" is part of a text without quotes only in the middle of a word. */
const words = String.raw`${start}(?:[!-9;-~]|:(?=[!-~])| +(?=[!"$-9;-~]))*`;
/** Without ",", "[", "]", "{" and "}". */
const wordsInList = String.raw`${start}(?:[!-+\--9;-Z\\^-z|~]|:(?=[\w/])| +(?=[!"$-+\--9;-Z\\^-z|~]))*`;

/** As null and booleans, keys are no text; "<<" is none but merges. */
const key = String.raw`(?:(?!(?:[Nn]ull|NULL|[Tt]rue|TRUE|[Ff]alse|FALSE):)[A-Za-z_][\w./-]{0,255}|"[\w.:/* -]{1,256}")`;

const item = `(?:${quoted}|${wordsInList})`;
const list = String.raw`\[ *(?:${item}(?: *, *${item})*)? *\]`;
const pair = `${key}: +(?:${item}|${list})`;
const mapping = String.raw`\{ *(?:${pair}(?: *, *${pair})*)? *\}`;
const value = `(?:${quoted}|${words}|${list}|${mapping})`;

const plainLine = new RegExp(
  String.raw`^ {0,64}(?:(?:- ){0,4}(?:${key}:(?: +${value})?|${value}) *)?(?:(?:^|(?<= ))#${visible}*)?$`,
  "u",
);

/**
 * What a YAML text says whose lines are all as configurations mostly have them: a key, a value or both, in quotes or
 * without, short lists and mappings in brackets, comments. Undefined for one with anything else (anchors, tags, escapes,
 * blocks of text), for one with a fault, and for one that is no mapping.
 *
 * js-yaml reads such lines as YAML 1.2's core schema has them, as the parser that knows where everything stands does,
 * in a tenth of its time. It is loaded with the first such text: it takes 5 MB, which few processes need.
 */
export function readPlainYamlMapping(text: string): Readonly<Record<string, unknown>> | undefined {
  // The readers do not say the same of this one, which is no setting of anybody.
  if (text.includes("__proto__") || !text.split("\n").every((line) => plainLine.test(line))) return undefined;
  const { CORE_SCHEMA, load } = require("js-yaml") as typeof JsYaml;
  let read: unknown;
  try {
    read = load(text, { schema: CORE_SCHEMA });
  } catch {
    // What it throws quotes the text.
    return undefined;
  }
  const isMapping = typeof read === "object" && read !== null && !Array.isArray(read);
  return isMapping ? (read as Readonly<Record<string, unknown>>) : undefined;
}
