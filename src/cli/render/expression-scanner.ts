/** What an expression consists of. */
export interface Token {
  readonly kind: "word" | "text" | "sign";
  /** A text without its quotes, and with its escapes resolved. */
  readonly value: string;
  /** Where it begins in the template, in UTF-16 code units. */
  readonly start: number;
}

/** Something that is wrong at a position of the template. */
export interface Fault {
  readonly start: number;
  readonly message: string;
}

/** An expression taken apart. */
export interface Scanned {
  readonly tokens: readonly Token[];
  readonly fault: Fault | undefined;
  /** The position behind its `}}`; what is wrong ends it behind the next one, or with the line. */
  readonly end: number;
}

const space = /[ \t\r\n]*/y;
const word = /[A-Za-z_][A-Za-z0-9_-]*/y;
const quoted = /"(?:[^"\\\r\n]|\\.)*"/y;
const escapes: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
]);

/** Takes an expression apart, from behind its `{{` on. */
export function scanExpression(source: string, from: number): Scanned {
  const tokens: Token[] = [];
  let at = from;
  for (;;) {
    at += match(space, source, at)?.length ?? 0;
    if (source.startsWith("}}", at)) return { tokens, fault: undefined, end: at + 2 };
    const found = tokenAt(source, at);
    if ("message" in found) return { tokens, fault: found, end: recover(source, at) };
    tokens.push(found.token);
    at += found.length;
  }
}

function tokenAt(source: string, start: number): { readonly token: Token; readonly length: number } | Fault {
  const name = match(word, source, start);
  if (name !== undefined) return { token: { kind: "word", value: name, start }, length: name.length };
  const text = match(quoted, source, start);
  if (text !== undefined) {
    const value = unescaped(text.slice(1, -1));
    if (value === undefined) return { start, message: String.raw`only \" and \\ may follow a \ in a text` };
    return { token: { kind: "text", value, start }, length: text.length };
  }
  const sign = source.charAt(start);
  if (sign === "|" || sign === "=") return { token: { kind: "sign", value: sign, start }, length: 1 };
  return { start, message: faultAt(sign) };
}

function faultAt(sign: string): string {
  if (sign === "") return "the expression is not closed; end it with }}";
  if (sign === '"') return 'the text is not closed; end it with " in the same line';
  return 'unexpected character; write {{ secret "NAME" }}';
}

function unescaped(text: string): string | undefined {
  const meant = [...text.matchAll(/\\(.)|[^\\]+/gsu)].map(([plain, escaped]) =>
    escaped === undefined ? plain : escapes.get(escaped),
  );
  return meant.includes(undefined) ? undefined : meant.join("");
}

function match(pattern: RegExp, source: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0];
}

/** Where to go on behind a mistake, so that the next one is found as well. */
function recover(source: string, at: number): number {
  const close = source.indexOf("}}", at);
  const line = source.indexOf("\n", at);
  const ends = [close < 0 ? Infinity : close + 2, line < 0 ? Infinity : line];
  return Math.min(...ends, source.length);
}
