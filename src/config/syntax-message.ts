/** The parser's own texts may quote what they stumbled over; these never do. */
const syntaxMessages: Readonly<Record<string, string>> = {
  ALIAS_PROPS: "an alias cannot have an anchor or a tag of its own; remove it",
  BAD_ALIAS: 'an alias needs a name without ":" at its end; quote the value if it is no alias',
  BAD_COLLECTION_TYPE: "the tag does not fit the mapping or list it stands before; remove it",
  BAD_DIRECTIVE: "a line that begins with % must be a YAML directive; quote the value if it is none",
  BAD_DQ_ESCAPE: 'there is no such escape in double quotes; write "\\\\" for a backslash, or use single quotes',
  BAD_INDENT: "the indentation does not fit what stands above, or a bracket above is not closed; align it or close it",
  BAD_PROP_ORDER: "an anchor or a tag stands in the wrong place; put it right before its value",
  BAD_SCALAR_START: "a value cannot begin with this character; quote the value",
  BLOCK_AS_IMPLICIT_KEY: "a nested mapping cannot stand on the same line as its key; move it to the next line",
  BLOCK_IN_FLOW: "an indented list or mapping cannot stand within brackets or braces; write it with brackets or braces",
  IMPOSSIBLE: "this is not valid YAML; write it anew",
  KEY_OVER_1024_CHARS: "a key can have at most 1,024 characters; shorten it, or close the quote or bracket before it",
  MISSING_CHAR: "a closing quote or bracket, a comma, a colon or a space is missing; add it",
  MULTILINE_IMPLICIT_KEY: "a key must stand on one line and be followed by a colon; close the quote or add the colon",
  MULTIPLE_ANCHORS: "a value can have one anchor; remove the others",
  MULTIPLE_DOCS: "there must be one document; remove the line --- and what follows it",
  MULTIPLE_TAGS: "a value can have one tag; remove the others",
  NON_STRING_KEY: "a key must be a string; quote it",
  RESOURCE_EXHAUSTION: "the file is nested too deeply to be read; take levels out",
  TAB_AS_INDENT: "a tab stands where spaces must; indent with spaces",
  TAG_RESOLVE_FAILED: "the tag is unknown, so it changes nothing; remove it",
  UNEXPECTED_TOKEN: "something stands where it cannot; quote the value if it begins with a special character",
};

/** What a code of the YAML parser means, and the fix. */
export function syntaxMessage(code: string): string {
  return syntaxMessages[code] ?? `this is not valid YAML (${code.toLowerCase().replaceAll("_", " ")}); write it anew`;
}
