import type { ImportEntry, ImportProblem } from "./import-entry.js";

/** What a file of entries holds: everything, or every problem. */
export interface ParsedEntries {
  readonly entries: readonly ImportEntry[];
  readonly problems: readonly ImportProblem[];
}

const assignment = /^[ \t]*(?:export[ \t]+)?(?<name>[^\s=#'"]+)[ \t]*=[ \t]*/u;

/** What may follow a quoted value on its line. */
const rest = /^[ \t]*(?:#.*)?$/u;

const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  "\\": "\\",
  '"': '"',
  $: "$",
  "`": "`",
};

/**
 * Reads `NAME=value` lines as shells and their kin write them: `export`, comments, single quotes for a value as it is,
 * double quotes for one with escapes, and either over several lines. Nothing is expanded; what is not understood is a
 * problem, and no value stands in its message.
 */
export function parseDotenv(text: string): ParsedEntries {
  const lines = text.replace(/^\uFEFF/u, "").split(/\r?\n/u);
  const entries: ImportEntry[] = [];
  const problems: ImportProblem[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? "";
    if (/^[ \t]*(?:#.*)?$/u.test(line)) continue;
    const found = assignment.exec(line);
    const name = found?.groups?.["name"];
    if (found === null || name === undefined) {
      problems.push({ line: index + 1, column: 1, message: "must be NAME=value or a comment" });
      continue;
    }
    const value = readValue(lines, index, found[0].length);
    if ("problem" in value) problems.push({ line: index + 1, column: found[0].length + 1, message: value.problem });
    else entries.push({ name, payload: value.text, line: index + 1, column: line.indexOf(name) + 1 });
    index = value.lastLine;
  }
  return { entries, problems };
}

type Value =
  { readonly text: string; readonly lastLine: number } | { readonly problem: string; readonly lastLine: number };

function readValue(lines: readonly string[], index: number, column: number): Value {
  const line = lines[index] ?? "";
  const quote = line[column];
  return quote === "'" || quote === '"'
    ? readQuoted(lines, index, { quote, column: column + 1 })
    : readPlain(line, index, column);
}

function readPlain(line: string, lastLine: number, column: number): Value {
  const written = line.slice(column);
  // A blank before it makes it a comment for everybody, and nothing before it for some and not for others.
  if (written.startsWith("#") && line[column - 1] === "=") {
    return { problem: "begins with #: put it into quotes, or a space before a comment", lastLine };
  }
  const text = written.replace(/(?:^|[ \t]+)#.*$/u, "").trimEnd();
  if (!text.includes("\r")) return { text, lastLine };
  return { problem: "has a carriage return inside: put it into quotes, or end lines with a line feed", lastLine };
}

/** Looks at each line once, however many there are until the quote ends. */
function readQuoted(
  lines: readonly string[],
  index: number,
  { quote, column }: { readonly quote: string; readonly column: number },
): Value {
  const parts: string[] = [];
  for (let lastLine = index; lastLine < lines.length; lastLine += 1) {
    const text = lastLine === index ? (lines[index] ?? "").slice(column) : (lines[lastLine] ?? "");
    const end = endOf(text, quote);
    parts.push(end < 0 ? text : text.slice(0, end));
    if (end >= 0) return closeValue(parts.join("\n"), text.slice(end + 1), { quote, lastLine });
  }
  return { problem: "has a quote that does not end", lastLine: index };
}

/** Where the quote ends in a line; a backslash hides the next character between double quotes. */
function endOf(text: string, quote: string): number {
  for (let index = 0; index < text.length; index += 1) {
    if (text[index] === quote) return index;
    if (quote === '"' && text[index] === "\\") index += 1;
  }
  return -1;
}

function closeValue(
  value: string,
  after: string,
  { quote, lastLine }: { readonly quote: string; readonly lastLine: number },
): Value {
  if (!rest.test(after)) return { problem: "has something after its closing quote", lastLine };
  if (quote === "'") return { text: value, lastLine };
  return { text: value.replace(/\\(.)/gsu, (all, letter: string) => escapes[letter] ?? all), lastLine };
}
