import { isMap, isNode, LineCounter, parseDocument, type Document } from "yaml";
import type { ConfigProblem } from "./config-error.js";

/** A path into a document: keys and indexes. */
export type SettingPath = readonly (string | number)[];

/** A YAML text that knows where each of its settings stands. */
export class YamlSource {
  readonly #file: string;
  readonly #lines = new LineCounter();
  readonly #document: Document;

  constructor(text: string, file: string) {
    this.#file = file;
    this.#document = parseDocument(text, {
      lineCounter: this.#lines,
      version: "1.2",
      uniqueKeys: true,
      strict: true,
      merge: false,
      prettyErrors: false,
    });
  }

  /** What is wrong with the text as YAML. */
  syntaxProblems(): ConfigProblem[] {
    return this.#document.errors.map(({ pos, code }) => this.#problemAt(pos[0], "", syntaxMessage(code)));
  }

  /** The text as plain data; undefined when it cannot be, such as an alias that expands without end. */
  value(): unknown {
    try {
      return this.#document.toJS({ maxAliasCount: 100 });
    } catch {
      return undefined;
    }
  }

  /** A problem with a setting, at the deepest part of its path that is there. */
  problem(path: SettingPath, message: string): ConfigProblem {
    return this.#problemAt(this.#offsetOf(path), path.join("."), message);
  }

  /** A problem with a key itself rather than with its value. */
  keyProblem(path: SettingPath, key: string, message: string): ConfigProblem {
    const parent = path.length === 0 ? this.#document.contents : this.#document.getIn(path, true);
    const pair = isMap(parent) ? parent.items.find((item) => String(item.key) === key) : undefined;
    const offset = isNode(pair?.key) ? pair.key.range?.[0] : undefined;
    return this.#problemAt(offset ?? this.#offsetOf(path), [...path, key].join("."), message);
  }

  #offsetOf(path: SettingPath): number {
    for (let depth = path.length; depth > 0; depth -= 1) {
      const node = this.#document.getIn(path.slice(0, depth), true);
      if (isNode(node) && node.range) return node.range[0];
    }
    return this.#document.contents?.range?.[0] ?? 0;
  }

  #problemAt(offset: number, path: string, message: string): ConfigProblem {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1), path, message };
  }
}

/** The parser's own texts may quote what they stumbled over; these never do. */
const syntaxMessages: Readonly<Record<string, string>> = {
  BAD_ALIAS: "an alias names an anchor that is not there",
  BAD_INDENT: "the indentation does not fit what stands above",
  BLOCK_AS_IMPLICIT_KEY: "a nested mapping cannot stand on the same line as its key",
  DUPLICATE_KEY: "the key stands twice in the same mapping; keep one",
  MISSING_CHAR: "a closing quote or bracket, or a colon, is missing",
  MULTILINE_IMPLICIT_KEY: "a key must stand on one line and be followed by a colon",
  MULTIPLE_DOCS: "there must be one document; remove what follows ---",
  TAB_AS_INDENT: "a tab stands where spaces must; indent with spaces",
  UNEXPECTED_TOKEN: "something stands where it cannot; quote the value if it begins with a special character",
};

function syntaxMessage(code: string): string {
  return syntaxMessages[code] ?? `this is not valid YAML (${code.toLowerCase().replaceAll("_", " ")})`;
}
