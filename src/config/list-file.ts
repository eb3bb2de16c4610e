import type { z } from "zod";
import { ConfigProblems } from "./config-problems.js";
import { mappingKeys } from "./mapping-keys.js";
import type { SettingPath } from "./setting-path.js";
import { suggestion } from "./suggest.js";
import { YamlSource } from "./yaml-source.js";

/** A file beside the configuration: one key, with a list. */
export interface ListFile<T> {
  readonly key: string;
  readonly schema: z.ZodType<readonly T[]>;
  /** What is wrong with items beyond the schema, such as beside those of other files; paths begin with an index. */
  readonly check?: (items: readonly T[]) => readonly { readonly path: SettingPath; readonly message: string }[];
}

/**
 * Reads the list of a file; an empty file has none.
 * @throws ConfigError with every problem
 */
export function parseListFile<T>({ key, schema, check }: ListFile<T>, text: string, file: string): readonly T[] {
  const problems = new ConfigProblems(new YamlSource(text, file));
  problems.assertNone();
  refuseAllBut(key, problems);
  const section = { path: [key], keys: mappingKeys(schema) };
  const items = problems.check(schema, section, problems.section(key) ?? []) ?? [];
  for (const { path, message } of check?.(items) ?? []) problems.refuse([key, ...path], message);
  problems.assertNone();
  return items;
}

function refuseAllBut(key: string, problems: ConfigProblems): void {
  const keys = problems.source.topKeys() ?? [];
  for (const other of keys.filter((each) => each !== key)) {
    problems.refuseKey([], other, `is unknown${suggestion(other, [key]) || `; the file has only ${key}`}`);
  }
  if (!keys.includes(key) && !problems.source.isEmpty) problems.refuse([], `must be a mapping with ${key}, a list`);
}
