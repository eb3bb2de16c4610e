import type { ConfigProblem } from "../../config/config-error.js";
import { secretNameProblem } from "../../domain/secret-name.js";
import { type Fault, scanExpression, type Token } from "./expression-scanner.js";
import {
  type FilterName,
  filterNames,
  type Place,
  type Template,
  type TemplatePart,
  templateProblem,
} from "./template.js";

/** What became of reading a template. */
export interface ParsedTemplate {
  readonly template: Template;
  readonly problems: readonly ConfigProblem[];
}

const usage = 'write {{ secret "NAME" }} or {{ secret "NAME" field="member" }}, then | and a filter';

/** Reads a template; everything outside `{{ … }}` is text. */
export function parseTemplate(source: string, file: string): ParsedTemplate {
  const parts: TemplatePart[] = [];
  const problems: ConfigProblem[] = [];
  const places = new PlaceFinder(source);
  let at = 0;
  for (let open = source.indexOf("{{"); open >= 0; open = source.indexOf("{{", at)) {
    parts.push({ kind: "text", text: source.slice(at, open) });
    const { tokens, fault, end } = scanExpression(source, open + 2);
    const outcome = fault ?? new ExpressionParser(tokens, end - 2).parse();
    if ("message" in outcome) problems.push(templateProblem(file, places.at(outcome.start), outcome.message));
    else if (outcome.kind === "secret") parts.push({ ...outcome, place: places.at(open) });
    else parts.push(outcome);
    at = end;
  }
  parts.push({ kind: "text", text: source.slice(at) });
  return { template: { file, parts: parts.filter((part) => part.kind === "secret" || part.text !== "") }, problems };
}

type Expression = TemplatePart | Fault;

/** Reads one expression: a secret with its filters, or a text that stands for itself. */
class ExpressionParser {
  readonly #tokens: readonly Token[];
  readonly #end: number;
  #next = 0;

  constructor(tokens: readonly Token[], end: number) {
    this.#tokens = tokens;
    this.#end = end;
  }

  parse(): Expression {
    const first = this.#tokens[0];
    if (first?.kind === "text" && this.#tokens.length === 1) return { kind: "text", text: first.value };
    if (first?.kind !== "word" || first.value !== "secret") return this.#fault(usage);
    this.#next = 1;
    return this.#secret();
  }

  #secret(): Expression {
    const name = this.#take("text");
    if (name === undefined) return this.#fault(`a secret's name in quotes is missing; ${usage}`);
    const problem = secretNameProblem(name.value);
    if (problem !== undefined) return { start: name.start, message: `the secret's name ${problem}` };
    const field = this.#field();
    if (field === "") return this.#fault('a field is written field="member"');
    const filters = this.#filters();
    if (filters === undefined) return this.#fault(`after | comes a filter: ${filterNames.join(", ")}`);
    if (this.#next < this.#tokens.length) return this.#fault(usage);
    return { kind: "secret", reference: { name: name.value, field }, filters, place: { line: 0, column: 0 } };
  }

  /** Undefined where none is written, and empty where it is written wrongly. */
  #field(): string | undefined {
    if (this.#take("word", "field") === undefined) return undefined;
    return (this.#take("sign", "=") && this.#take("text")?.value) ?? "";
  }

  #filters(): FilterName[] | undefined {
    const filters: FilterName[] = [];
    while (this.#take("sign", "|") !== undefined) {
      const filter = this.#filter();
      if (filter === undefined) return undefined;
      filters.push(filter);
    }
    return filters;
  }

  #filter(): FilterName | undefined {
    const token = this.#tokens[this.#next];
    const filter = filterNames.find((each) => token?.kind === "word" && token.value === each);
    if (filter !== undefined) this.#next += 1;
    return filter;
  }

  #take(kind: Token["kind"], value?: string): Token | undefined {
    const token = this.#tokens[this.#next];
    if (token?.kind !== kind || (value !== undefined && token.value !== value)) return undefined;
    this.#next += 1;
    return token;
  }

  #fault(message: string): Fault {
    return { start: this.#tokens[this.#next]?.start ?? this.#end, message };
  }
}

/** Finds the lines and columns of positions that only grow. */
class PlaceFinder {
  readonly #source: string;
  #line = 1;
  #lineStart = 0;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  at(position: number): Place {
    if (position < this.#at) [this.#line, this.#lineStart, this.#at] = [1, 0, 0];
    for (let end = this.#source.indexOf("\n", this.#at); end >= 0 && end < position;) {
      this.#line += 1;
      this.#lineStart = end + 1;
      this.#at = end + 1;
      end = this.#source.indexOf("\n", this.#at);
    }
    return { line: this.#line, column: position - this.#lineStart + 1 };
  }
}
