import { maxSecretNameLength } from "../domain/secret-name.js";

/** The most segments a name can have: each takes a character, and a `/` before the next. */
const maxSegments = maxSecretNameLength / 2;

/** A pattern that asks nothing of a name but how many segments it has. */
const anything = /^\*\*?(?:\/\*\*?)*$/;

/** Whether patterns stand for every name there can be, as `**` does, and as `*` and `*\/**` do together. */
export function coverEveryName(patterns: readonly string[]): boolean {
  const depths = new Set<number>();
  let anyDepthFrom = maxSegments + 1;
  for (const pattern of patterns) {
    if (!anything.test(pattern)) continue;
    const segments = pattern.split("/");
    const depth = fewestSegments(segments);
    depths.add(depth);
    if (segments.includes("**")) anyDepthFrom = Math.min(anyDepthFrom, depth);
  }
  for (let depth = 1; depth < anyDepthFrom; depth += 1) if (!depths.has(depth)) return false;
  return true;
}

/** `**` may stand for no segment, but not at the end. */
function fewestSegments(pattern: readonly string[]): number {
  return pattern.filter((segment, index) => segment === "*" || index === pattern.length - 1).length;
}
