import { isAlias, isMap, isScalar, LineCounter, type Node, type Pair, parseDocument } from "yaml";
import type { ImportEntry, ImportProblem } from "./import-entry.js";
import type { ParsedEntries } from "./parse-dotenv.js";

/** The keys of a mapping that is one secret and not several. */
const entryKeys: readonly string[] = ["text", "base64", "description", "tags"];

/** Base64 with its padding. */
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/u;

/**
 * Reads a mapping of names to texts in YAML, or JSON, which is YAML too. A mapping with `text` or `base64` is one secret,
 * with `description` and `tags`; any other is several, their names joined with "/".
 */
export function parseMapping(text: string): ParsedEntries {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, schema: "core" });
  const reader = new MappingReader(lines);
  for (const { pos, code } of [...document.errors, ...document.warnings]) reader.refuseAt(pos[0], messageOf(code));
  if (reader.problems.length === 0) reader.readRoot(document.contents);
  return reader;
}

function messageOf(code: string): string {
  return code === "DUPLICATE_KEY" ? "stands twice; keep one of them" : `is not valid YAML or JSON (${code})`;
}

const notFollowed = "must be written out: aliases are not followed";

/** A key that is text; empty for any other. */
function keyOf(key: Node): string {
  return isScalar(key) && typeof key.value === "string" ? key.value : "";
}

/** A number or a word of YAML's as a key would be a secret of another name: `007` would be `7`. */
function nameProblem(key: Node): string | undefined {
  if (!isScalar(key)) return "must be a name";
  if (typeof key.value !== "string") return "must be a name: put it into quotes, as a number may lose digits";
  if (key.value === "<<" && key.type === "PLAIN") return notFollowed;
  return key.value === "" ? "must be a name" : undefined;
}

class MappingReader implements ParsedEntries {
  readonly entries: ImportEntry[] = [];
  readonly problems: ImportProblem[] = [];
  readonly #lines: LineCounter;
  readonly #refusedAt = new Set<number>();

  constructor(lines: LineCounter) {
    this.#lines = lines;
  }

  readRoot(node: Node | null): void {
    if (isMap(node)) this.#readPairs(node.items as Pair<Node, Node | null>[], "");
    else this.refuseAt(0, "must be a mapping of names to texts");
  }

  /** One mistake can make a problem for each bracket that is open, all in one place; the first of them says it. */
  refuseAt(offset: number, message: string): void {
    if (this.#refusedAt.has(offset)) return;
    this.#refusedAt.add(offset);
    this.problems.push({ ...this.#placeOf(offset), message });
  }

  #readPairs(pairs: readonly Pair<Node, Node | null>[], prefix: string): void {
    for (const { key, value } of pairs) {
      const problem = nameProblem(key);
      if (problem === undefined)
        this.#readValue([prefix, keyOf(key)].filter((part) => part !== "").join("/"), key, value);
      else this.#refuse(key, problem);
    }
  }

  #readValue(name: string, key: Node, value: Node | null): void {
    if (isMap(value)) {
      const pairs = value.items as Pair<Node, Node | null>[];
      const keys = pairs.map((pair) => keyOf(pair.key));
      if (keys.includes("text") || keys.includes("base64")) this.#readEntry(name, key, pairs);
      else this.#readPairs(pairs, name);
    } else if (isAlias(value)) {
      this.#refuse(value, notFollowed);
    } else if (isScalar(value) && typeof value.value === "string") {
      this.#add(name, key, { payload: this.#text(value) ?? "" });
    } else {
      this.#refuse(value ?? key, "must be text: put it into quotes, as a number may lose digits");
    }
  }

  #readEntry(name: string, key: Node, pairs: readonly Pair<Node, Node | null>[]): void {
    const fields = new Map(pairs.map((pair) => [keyOf(pair.key), pair.value]));
    for (const field of fields.keys()) {
      if (!entryKeys.includes(field)) this.#refuse(key, `must hold only ${entryKeys.join(", ")}`);
    }
    if (fields.has("text") && fields.has("base64")) this.#refuse(key, 'must hold either "text" or "base64"');
    const text = this.#text(fields.get("text"));
    const encoded = this.#text(fields.get("base64"));
    if (encoded !== undefined && !base64.test(encoded)) this.#refuse(fields.get("base64") ?? key, "must be base64");
    const payload = encoded === undefined ? (text ?? "") : new Uint8Array(Buffer.from(encoded, "base64"));
    this.#add(name, key, {
      payload,
      description: this.#text(fields.get("description")),
      tags: this.#tags(fields.get("tags")),
    });
  }

  #text(node: Node | null | undefined): string | undefined {
    if (node === undefined) return undefined;
    if (isScalar(node) && typeof node.value === "string") {
      if (node.value.isWellFormed()) return node.value;
      this.#refuse(node, "must be valid Unicode: it has half a character");
    } else this.#refuse(node, isAlias(node) ? notFollowed : "must be text in quotes");
    return undefined;
  }

  #tags(node: Node | null | undefined): Readonly<Record<string, string>> | undefined {
    if (node === undefined) return undefined;
    if (!isMap(node)) {
      this.#refuse(node, "must be a mapping of keys to texts");
      return undefined;
    }
    const pairs = node.items as Pair<Node, Node | null>[];
    return Object.fromEntries(pairs.map(({ key, value }) => [this.#text(key) ?? "", this.#text(value) ?? ""]));
  }

  #add(name: string, key: Node, entry: Pick<ImportEntry, "payload" | "description" | "tags">): void {
    this.entries.push({ name, ...entry, ...this.#placeOf(key.range?.[0] ?? 0) });
  }

  #refuse(node: Node | null, message: string): void {
    this.refuseAt(node?.range?.[0] ?? 0, message);
  }

  #placeOf(offset: number): { readonly line: number; readonly column: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line, column: col };
  }
}
