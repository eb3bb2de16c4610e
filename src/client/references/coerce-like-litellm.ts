/**
 * What LiteLLM makes of a secret manager's text: a boolean where Python's `ast.literal_eval` reads one, and the text
 * otherwise. So `True`, ` True `, `(False)` and `True # on` are booleans, and `true`, `1` and `None` stay text.
 */
export function coerceManagerText(text: string): string | boolean {
  return parsePythonBoolean(text) ?? text;
}

/** What LiteLLM makes of an environment variable's text when no manager is asked: `true` and `FALSE` are booleans. */
export function coerceEnvironmentText(text: string): string | boolean {
  const word = text.trim().toLowerCase();
  if (word === "true") return true;
  return word === "false" ? false : text;
}

/** `True` or `False`, in any number of parentheses, with blanks and comments where Python allows them. */
function parsePythonBoolean(text: string): boolean | undefined {
  // Lines before the expression must be empty, and the expression must not be indented below them.
  let rest = text.replace(/^[ \t]+/, "").replace(/^(?:[ \t\f]*(?:#[^\n]*)?\n)+/, "");
  rest = rest.replace(/^\f+/, "");
  let depth = 0;
  for (; rest.startsWith("("); depth += 1) rest = skipBlank(rest.slice(1), true);
  const word = /^(?:True|False)(?![\p{ID_Continue}])/u.exec(rest)?.[0];
  if (word === undefined) return undefined;
  rest = skipBlank(rest.slice(word.length), depth > 0);
  for (; depth > 0 && rest.startsWith(")");) {
    depth -= 1;
    rest = skipBlank(rest.slice(1), depth > 0);
  }
  // Lines after the expression must be empty.
  if (depth > 0 || skipBlank(rest, true) !== "") return undefined;
  return word === "True";
}

/** Skips blanks, a comment, and inside parentheses line breaks as well. */
function skipBlank(text: string, isMultiline: boolean): string {
  const blank = isMultiline ? /^(?:[ \t\f\r\n]|#[^\n]*(?:\n|$))*/ : /^[ \t\f]*(?:#[^\n]*)?/;
  return text.slice(blank.exec(text)?.[0].length ?? 0);
}
