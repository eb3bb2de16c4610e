import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from "yaml";
import type { ConfigProblem } from "./config-error.js";
import { readJsonMapping } from "./json-text.js";
import { readPlainYamlMapping } from "./plain-yaml.js";
import { settingName, type SettingPath } from "./setting-path.js";
import { structureFaults } from "./structure-faults.js";
import { syntaxMessage } from "./syntax-message.js";

/** A broken quote can make thousands of errors of what follows it. */
const maxSyntaxProblems = 50;

/** From how many characters on it counts how fast a text is read: YAML's parser takes 20 ms for them on a slow machine. */
const longText = 16_384;

/** How often what one anchor holds may be repeated within a section. */
const maxAliasCount = 100;

/** A YAML text that knows where each of its settings stands. */
export class YamlSource {
  /** What is wrong with the text as YAML. */
  readonly problems: readonly ConfigProblem[];
  /** What other readers of the file may take otherwise. */
  readonly warnings: readonly ConfigProblem[];
  /** Whether its sections can be read; keys that stand twice do not keep them from it. */
  readonly isIntact: boolean;
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #text: string;
  /** What a text says that needs no knowledge of places to be read: JSON, and plain YAML without a fault. */
  readonly #data: Readonly<Record<string, unknown>> | undefined;
  #parsed: Document | undefined;
  /** Mapping → its keys → what stands there. */
  readonly #pairsByMap = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>();

  constructor(text: string, file: string) {
    this.#file = file;
    // A byte order mark is no column of the first line.
    const visible = text.replace(/^\uFEFF/u, "");
    this.#text = visible;
    this.#lines = lineCounter(visible);
    this.#data = readJsonMapping(visible) ?? (visible.length < longText ? undefined : readPlainYamlMapping(visible));
    if (this.#data !== undefined) {
      this.isIntact = true;
      this.problems = [];
      this.warnings = [];
      return;
    }
    try {
      const document = parse(visible);
      const { duplicates, badAliases } = structureFaults(document);
      const faults = [...duplicates, ...badAliases];
      this.#parsed = document;
      this.isIntact = document.errors.length === 0 && badAliases.length === 0;
      this.problems = [
        ...this.#syntaxProblems(document),
        ...faults.map(({ offset, message }) => this.#problemAt(offset, [], message)),
      ];
      this.warnings = document.warnings.map(({ pos, code }) => this.#problemAt(pos[0], [], syntaxMessage(code)));
    } catch {
      // The parser is recursive: what is nested thousands deep ends its stack.
      this.isIntact = false;
      this.problems = [this.#problemAt(0, [], "the file is nested too deeply to be read; take levels out")];
      this.warnings = [];
    }
  }

  /** Whether there is nothing in it but comments. */
  get isEmpty(): boolean {
    if (this.#data !== undefined) return false;
    const contents = this.#document?.contents;
    return contents === null || contents === undefined || (isScalar(contents) && contents.value === null);
  }

  /** The keys at the top; undefined when there is no mapping. */
  topKeys(): readonly string[] | undefined {
    if (this.#data !== undefined) return Object.keys(this.#data);
    const contents = this.#document?.contents;
    return isMap(contents) ? contents.items.map(({ key }) => keyText(key)) : undefined;
  }

  /**
   * One of the sections at the top as plain data; undefined when it is not there. Only what is asked for is expanded, so
   * that the rest of a shared file may repeat itself as it likes.
   * @throws ReferenceError when aliases in it expand to far more than was written
   */
  section(key: string): unknown {
    if (this.#data !== undefined) return Object.hasOwn(this.#data, key) ? this.#data[key] : undefined;
    const document = this.#document;
    const node = isMap(document?.contents) ? document.contents.get(key, true) : undefined;
    if (document === undefined || !isNode(node)) return undefined;
    const value: unknown = node.toJS(document, { maxAliasCount });
    return value;
  }

  /** A problem with a setting, at the deepest part of its path that is there. */
  problem(path: SettingPath, message: string): ConfigProblem {
    return this.#problemAt(this.#find(path).offset, path, message);
  }

  /** A problem with a key itself rather than with its value. */
  keyProblem(path: SettingPath, key: string, message: string): ConfigProblem {
    const { node, offset } = this.#find(path);
    const start = isMap(node) ? startOf(this.#pairsOf(node).get(key)?.key) : undefined;
    return this.#problemAt(start ?? offset, [...path, key], message);
  }

  /** A problem with the first alias of a section. */
  aliasProblem(key: string, message: string): ConfigProblem {
    const node = this.#document?.getIn([key], true);
    let { offset } = this.#find([key]);
    if (isNode(node)) {
      visit(node, {
        Alias: (_key, alias) => {
          offset = alias.range?.[0] ?? offset;
          return visit.BREAK;
        },
      });
    }
    return this.#problemAt(isAlias(node) ? (node.range?.[0] ?? offset) : offset, [key], message);
  }

  /** Of a text that was read without it only once it must be told where something stands. */
  get #document(): Document | undefined {
    if (this.#data !== undefined) this.#parsed ??= parse(this.#text);
    return this.#parsed;
  }

  /** One of each kind a line: the rest of them only follows from it. */
  #syntaxProblems({ errors }: Document): ConfigProblem[] {
    const byPlace = new Map<string, ConfigProblem>();
    for (const { pos, code } of errors) {
      const problem = this.#problemAt(pos[0], [], syntaxMessage(code));
      const place = `${String(problem.line)} ${code}`;
      if (!byPlace.has(place)) byPlace.set(place, problem);
    }
    const problems = [...byPlace.values()];
    const [next, shown] = [problems[maxSyntaxProblems], problems.slice(0, maxSyntaxProblems)];
    if (next === undefined) return shown;
    const left = problems.length - maxSyntaxProblems;
    return [...shown, { ...next, message: `${String(left)} more errors follow; mend those above first` }];
  }

  /** Searching a mapping anew for each of its keys would take minutes where there are very many. */
  #pairsOf(map: YAMLMap): ReadonlyMap<string, Pair> {
    const known = this.#pairsByMap.get(map) ?? new Map(map.items.map((pair) => [keyText(pair.key), pair]));
    this.#pairsByMap.set(map, known);
    return known;
  }

  /** Follows a path as far as it goes; no node when it ends early. */
  #find(path: SettingPath): { readonly node: unknown; readonly offset: number } {
    let node: unknown = this.#document?.contents;
    let offset = startOf(node) ?? 0;
    for (const part of path) {
      node = isSeq(node)
        ? node.items[Number(part)]
        : isMap(node)
          ? this.#pairsOf(node).get(String(part))?.value
          : undefined;
      const start = startOf(node);
      if (start === undefined) return { node: undefined, offset };
      offset = start;
    }
    return { node, offset };
  }

  #problemAt(offset: number, path: SettingPath, message: string): ConfigProblem {
    const { line, col } = this.#lines.linePos(offset);
    const name = settingName(path);
    return {
      file: this.#file,
      line: Math.max(line, 1),
      column: Math.max(col, 1),
      path: name,
      message: name === "" ? message : `${name} ${message}`,
    };
  }
}

/** A key as plain data has it. One that is a list or a mapping itself is none of ours; writing it out can fail. */
function keyText(key: unknown): string {
  return isScalar(key) && key.value !== null ? key.toString() : "";
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

/** Left to the parser, it misses line breaks within what is broken. */
function lineCounter(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lines.addNewLine(at + 1);
  return lines;
}

function parse(text: string): Document {
  return parseDocument(text, {
    version: "1.2",
    // Whatever the text declares: other schemas make dates, sets and bytes, which would pass for empty mappings.
    schema: "core",
    resolveKnownTags: false,
    strict: true,
    prettyErrors: false,
    logLevel: "error",
    // LiteLLM's reader follows "<<", so what a section gets that way counts here as well.
    merge: true,
    // The parser's own check takes minutes for a large mapping; structureFaults has another.
    uniqueKeys: false,
  });
}
