/** Whether a segment of a name is one that a segment of a pattern stands for: each `*` is any text, also none. */
export function isInSegment(segment: string, pattern: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return segment === first;
  if (segment.length < first.length + last.length) return false;
  if (!segment.startsWith(first) || !segment.endsWith(last)) return false;
  const end = segment.length - last.length;
  let at = first.length;
  // The earliest place for each part leaves the most for those that follow.
  for (const part of rest) {
    const found = segment.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** Whether a pattern stands for a name, looked at by itself. */
export function matchesPattern(name: string, pattern: string): boolean {
  return matchesFrom(name.split("/"), pattern.split("/"));
}

function matchesFrom(name: readonly string[], pattern: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return name.length === 0;
  if (first !== "**") {
    const [segment, ...others] = name;
    return segment !== undefined && isInSegment(segment, first) && matchesFrom(others, rest);
  }
  if (rest.length === 0) return name.length > 0;
  return name.some((_segment, index) => matchesFrom(name.slice(index), rest));
}
