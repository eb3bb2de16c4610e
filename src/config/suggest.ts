/** The known word that a misspelt one most likely means: at most two edits away, fewer for short words. */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  const maxDistance = word.length <= 4 ? 1 : 2;
  const normal = normalize(word);
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(normal, normalize(candidate)) }))
    .filter(({ distance }) => distance <= maxDistance)
    .toSorted((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate;
}

/** `; did you mean "x"?`, or nothing. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const meant = suggest(word, candidates);
  return meant === undefined ? "" : `; did you mean "${meant}"?`;
}

/** Case and separators are not what a reader mistakes. */
function normalize(word: string): string {
  return word.toLowerCase().replaceAll(/[-_ ]/g, "");
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
