import type { z } from "zod";
import { ConfigError, type ConfigProblem, sortProblems } from "./config-error.js";
import { withoutNulls } from "./mapping.js";
import { schemaMessage } from "./schema-message.js";
import { schemaProblems, type SectionFacts } from "./schema-problems.js";
import type { SettingPath } from "./setting-path.js";
import type { YamlSource } from "./yaml-source.js";

/** Collects everything that is wrong with one file, so that all of it is reported at once. */
export class ConfigProblems {
  readonly source: YamlSource;
  readonly #errors: ConfigProblem[] = [];
  readonly #warnings: ConfigProblem[] = [];
  /** The settings a schema has found wrong. */
  readonly #checked = new Set<string>();

  constructor(source: YamlSource) {
    this.source = source;
    this.#errors.push(...source.problems);
    this.#warnings.push(...source.warnings);
  }

  /** What is only worth knowing, in the order of the file. */
  get warnings(): readonly ConfigProblem[] {
    return sortProblems(this.#warnings);
  }

  /** Notes a problem with a setting. A message continues the setting's name: `must be …`. */
  refuse(path: SettingPath, message: string): void {
    this.#errors.push(this.source.problem(path, message));
  }

  /** Notes a problem with a key. */
  refuseKey(path: SettingPath, key: string, message: string): void {
    this.#errors.push(this.source.keyProblem(path, key, message));
  }

  /** Notes a problem that stands in no file. */
  refuseOption(option: string, message: string): void {
    this.#errors.push({ file: option, line: 0, column: 0, path: "", message });
  }

  /** Notes something that works but may not be meant. */
  warn(path: SettingPath, message: string): void {
    this.#warnings.push(this.source.problem(path, message));
  }

  /** Notes something about a key that works but may not be meant. */
  warnKey(path: SettingPath, key: string, message: string): void {
    this.#warnings.push(this.source.keyProblem(path, key, message));
  }

  /** A section at the top as plain data; undefined, and noted, when its aliases cannot be followed. */
  section(key: string): unknown {
    try {
      return this.source.section(key);
    } catch {
      const message = "repeats itself too often through aliases, or merges (<<) what is no mapping; write it out";
      this.#errors.push(this.source.aliasProblem(key, message));
      return undefined;
    }
  }

  /** A section as its schema reads it; undefined, and noted, when it breaks the schema. */
  check<T>(schema: z.ZodType<T>, section: SectionFacts, value: unknown): T | undefined {
    const result = schema.safeParse(withoutNulls(value ?? {}), { error: schemaMessage });
    if (result.success) return result.data;
    const { issues } = result.error;
    for (const problem of schemaProblems(this.source, section, issues)) this.#addOnce(problem);
    return undefined;
  }

  /** @throws ConfigError when anything is wrong */
  assertNone(): void {
    if (this.#errors.length > 0) throw new ConfigError(this.#errors);
  }

  /** A schema may break twice over the same thing, such as a number far too large for two reasons. */
  #addOnce(problem: ConfigProblem): void {
    const place = `${String(problem.line)}:${String(problem.column)} ${problem.path}`;
    if (this.#checked.has(place)) return;
    this.#checked.add(place);
    this.#errors.push(problem);
  }
}
