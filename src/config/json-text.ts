/** Deeper than any configuration is; what walks through plain data does so by recursion. */
const maxDepth = 32;

/** A string of JSON, and whether it is a key. */
const stringForm = /"(?:[^"\\]|\\.)*"(\s*:)?/gsu;

/**
 * What a JSON text says, where YAML says the same of it; undefined otherwise, and for a text that is no JSON mapping.
 * YAML's parser takes ten times as long, which counts where a program has written thousands of grants.
 */
export function readJsonMapping(text: string): Readonly<Record<string, unknown>> | undefined {
  // YAML does not indent by tabs.
  if (!/^\s*\{/u.test(text) || text.includes("\t")) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const keys = countKeys(value, maxDepth);
  // A key that stands twice is there once, and it must be said where it stands.
  if (keys !== countWrittenKeys(text)) return undefined;
  return value as Readonly<Record<string, unknown>>;
}

/** How many keys the mappings in it have; NaN for what is nested too deeply or must not be a key. */
function countKeys(value: unknown, depth: number): number {
  if (typeof value !== "object" || value === null) return 0;
  if (depth === 0) return Number.NaN;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countKeys(item, depth - 1);
    return count;
  }
  for (const [key, member] of Object.entries(value))
    count += key === "__proto__" ? Number.NaN : 1 + countKeys(member, depth - 1);
  return count;
}

function countWrittenKeys(text: string): number {
  let count = 0;
  for (const [, colon] of text.matchAll(stringForm)) if (colon !== undefined) count += 1;
  return count;
}
