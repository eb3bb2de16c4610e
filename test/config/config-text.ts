import { ConfigError, type ConfigProblem } from "../../src/config/config-error.js";
import type { Config } from "../../src/config/config.js";
import { type LoadedConfig, parseConfig } from "../../src/config/parse-config.js";

/** What every text below pretends to be. */
export const file = "/etc/broker/config.yaml";

/** A text whose manager is settled, so that a test can be about something else. */
export const withMemory = (text: string): string => `secret_broker:\n  manager: { kind: memory }\n${text}`;

/** What a text makes. */
export function load(text: string): LoadedConfig {
  return parseConfig({ text, file });
}

/** The configuration a text makes. */
export function configOf(text: string): Config {
  return load(text).config;
}

/** Everything that is wrong with a text. */
export function problemsOf(text: string): readonly ConfigProblem[] {
  try {
    load(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

/** Everything that is wrong with a text, as `line:column path`. */
export function placesOf(text: string): string[] {
  return problemsOf(text).map(place);
}

/** What is worth knowing about a text that works, as `line:column path`. */
export function warningsOf(text: string): string[] {
  return load(text).warnings.map(place);
}

/** Where a problem is. */
export function place({ line, column, path }: ConfigProblem): string {
  return `${String(line)}:${String(column)} ${path}`.trimEnd();
}
