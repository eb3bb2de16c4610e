/** One instruction of a Dockerfile, continued lines joined. */
export interface Instruction {
  /** In capitals. */
  readonly keyword: string;
  /** `--from=build` as `from` → `build`; a flag without a value as `true`. */
  readonly flags: ReadonlyMap<string, string>;
  /** What follows the flags. */
  readonly text: string;
  /** The text as a list: its JSON array where it is one, otherwise its words. */
  readonly words: readonly string[];
  /** Where it starts, from 1. */
  readonly line: number;
}

/** A stage of a Dockerfile: `FROM` and what follows it. */
export interface Stage {
  /** The image or stage it starts from. */
  readonly base: string;
  /** Its `AS` name; empty without one. */
  readonly name: string;
  /** Without the `FROM`. */
  readonly instructions: readonly Instruction[];
}

/**
 * Reads the Dockerfiles this repository writes: no here-documents, no parser directives, `\` as the escape.
 * @throws Error for an instruction before the first `FROM`
 */
export function readDockerfile(source: string): readonly Stage[] {
  const stages: { base: string; name: string; instructions: Instruction[] }[] = [];
  for (const instruction of readInstructions(source)) {
    const stage = stages.at(-1);
    if (instruction.keyword === "FROM") {
      const [base = "", , name = ""] = instruction.words;
      stages.push({ base, name, instructions: [] });
    } else if (stage === undefined) {
      throw new Error(`line ${String(instruction.line)}: ${instruction.keyword} before the first FROM`);
    } else {
      stage.instructions.push(instruction);
    }
  }
  return stages;
}

function readInstructions(source: string): Instruction[] {
  const instructions: Instruction[] = [];
  let pending = "";
  let start = 0;
  for (const [index, line] of source.split("\n").entries()) {
    if (/^\s*(#|$)/u.test(line)) continue;
    if (pending === "") start = index + 1;
    pending += line.trim();
    if (pending.endsWith("\\")) {
      pending = pending.slice(0, -1);
      continue;
    }
    instructions.push(readInstruction(pending, start));
    pending = "";
  }
  return instructions;
}

function readInstruction(source: string, line: number): Instruction {
  const [, keyword = "", flagText = "", text = ""] = /^(\S+)\s*((?:--\S+\s+)*)(.*)$/su.exec(source) ?? [];
  const flags = flagText.matchAll(/--([^\s=]+)(?:=(\S+))?/gu);
  return {
    keyword: keyword.toUpperCase(),
    flags: new Map(Array.from(flags, ([, name = "", value = "true"]) => [name, value])),
    text,
    words: readWords(text),
    line,
  };
}

function readWords(text: string): readonly string[] {
  const list = /\[.*\]$/su.exec(text)?.[0];
  if (list === undefined) return text.split(/\s+/u);
  const parsed: unknown = JSON.parse(list);
  if (!Array.isArray(parsed)) return [];
  return parsed.map(String);
}
