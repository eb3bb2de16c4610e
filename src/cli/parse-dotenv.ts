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
  if (quote !== "'" && quote !== '"') {
    return {
      text: line
        .slice(column)
        .replace(/(?:^|[ \t]+)#.*$/u, "")
        .trimEnd(),
      lastLine: index,
    };
  }
  let text = line.slice(column + 1);
  for (let lastLine = index; ; text += `\n${lines[lastLine] ?? ""}`) {
    const end = endOf(text, quote);
    if (end >= 0) return closeValue(text, end, { quote, lastLine });
    lastLine += 1;
    if (lastLine >= lines.length) return { problem: "has a quote that does not end", lastLine: index };
  }
}

/** Where the quote ends; a backslash hides the next character between double quotes. */
function endOf(text: string, quote: string): number {
  for (let index = 0; index < text.length; index += 1) {
    if (text[index] === quote) return index;
    if (quote === '"' && text[index] === "\\") index += 1;
  }
  return -1;
}

function closeValue(
  text: string,
  end: number,
  { quote, lastLine }: { readonly quote: string; readonly lastLine: number },
): Value {
  if (!rest.test(text.slice(end + 1))) return { problem: "has something after its closing quote", lastLine };
  const value = text.slice(0, end);
  if (quote === "'") return { text: value, lastLine };
  return { text: value.replace(/\\(.)/gsu, (all, letter: string) => escapes[letter] ?? all), lastLine };
}
