import type { ConfigProblems } from "./config-problems.js";
import type { SettingPath } from "./setting-path.js";
import { suggest } from "./suggest.js";

const sections = ["general_settings", "secret_broker"];
const settings = ["key_management_system", "key_management_settings"];

/**
 * Refuses keys that look like one of ours but are not: leaving a section out silently, for a misspelt name, would open
 * what it was to close.
 * @param keys those of the mapping at the path; those at the top when left out
 * @returns whether there were any
 */
export function refuseMisplacedKeys(problems: ConfigProblems, path: SettingPath, keys?: readonly string[]): boolean {
  const isTop = path.length === 0;
  const found = (keys ?? topKeys(problems)).flatMap((key) => {
    const message = isTop ? topFault(key) : lookalikeFault(key, settings);
    return message === undefined ? [] : [{ key, message }];
  });
  for (const { key, message } of found) problems.refuseKey(path, key, message);
  return found.length > 0;
}

function topKeys(problems: ConfigProblems): readonly string[] {
  const keys = problems.source.topKeys();
  if (keys !== undefined) return keys;
  const what = problems.source.isEmpty ? "is empty" : "must be a mapping";
  problems.refuse([], `the file ${what}; it needs general_settings or secret_broker`);
  problems.assertNone();
  return [];
}

function topFault(key: string): string | undefined {
  // LiteLLM would follow it, so what it brings must not be missed; written out, both read the same.
  if (key === "<<") return "cannot merge sections at the top; write them out";
  if (settings.includes(key)) return `belongs under general_settings; move it there`;
  return lookalikeFault(key, sections);
}

function lookalikeFault(key: string, known: readonly string[]): string | undefined {
  const meant = suggest(key, known);
  return meant === undefined ? undefined : `is unknown; did you mean "${meant}"?`;
}
