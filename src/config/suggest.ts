/** What counts as near: words of up to three letters have too many neighbours for more. */
const maxDistance = 2;
const maxShortWordDistance = 1;
const shortWordLength = 3;

/** No key is longer, so no longer word is a misspelt one. */
const maxWordLength = 64;

/**
 * The known word that a misspelt one most likely means: at most two edits away, not counting case and separators; a
 * swap of two letters is one edit. Undefined for a word that is known.
 */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > maxWordLength || candidates.includes(word)) return undefined;
  const normal = normalize(word);
  const limit = normal.length <= shortWordLength ? maxShortWordDistance : maxDistance;
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(normal, normalize(candidate)) }))
    .filter(({ distance }) => distance <= limit)
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
  return word.toLowerCase().replaceAll(/[-_ ]/gu, "");
}

/** Optimal string alignment: insert, remove, replace, or swap two neighbours. */
function editDistance(a: string, b: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replace = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwap ? at(beforeLast, j - 2) + 1 : Infinity;
      row[j] = Math.min(replace, at(last, j) + 1, at(row, j - 1) + 1, swap);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

/** Infinity outside the table, which then never is the smallest. */
function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
