import type { z } from "zod";
import { ConfigError, type ConfigProblem } from "./config-error.js";
import { schemaProblems, type SectionFacts } from "./schema-problems.js";
import type { SettingPath, YamlSource } from "./yaml-source.js";

/** Collects everything that is wrong with one file, so that all of it is reported at once. */
export class ConfigProblems {
  readonly source: YamlSource;
  readonly #errors: ConfigProblem[] = [];
  readonly #warnings: ConfigProblem[] = [];

  constructor(source: YamlSource) {
    this.source = source;
    this.#errors.push(...source.syntaxProblems());
  }

  /** What is only worth knowing. */
  get warnings(): readonly ConfigProblem[] {
    return this.#warnings;
  }

  /** Notes a problem with a setting. */
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

  /** A section as its schema reads it; undefined, and noted, when it breaks the schema. */
  check<T>(schema: z.ZodType<T>, section: SectionFacts, value: unknown): T | undefined {
    const result = schema.safeParse(withoutNulls(value ?? {}), { reportInput: true });
    if (result.success) return result.data;
    this.#errors.push(...schemaProblems(this.source, section, result.error.issues));
    return undefined;
  }

  /** @throws ConfigError when anything is wrong */
  assertNone(): void {
    if (this.#errors.length > 0) throw new ConfigError(this.#errors);
  }
}

/** In YAML a key without a value is null; here that means the default. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value) || typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(entries.map(([key, member]) => [key, withoutNulls(member)]));
}
