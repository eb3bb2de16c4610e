/**
 * A set of names that can be walked in order, by UTF-16 code units.
 *
 * Adding and deleting only take note. A walk merges in what was added, in one pass that sorts only that, and skips what
 * was deleted, which is cleared away once it is a quarter.
 */
export class SortedNames {
  #sorted: readonly string[] = [];
  readonly #added = new Set<string>();
  readonly #deleted = new Set<string>();

  /** Adds a name that is not there. */
  add(name: string): void {
    if (!this.#deleted.delete(name)) this.#added.add(name);
  }

  /** Deletes a name that is there. */
  delete(name: string): void {
    if (!this.#added.delete(name)) this.#deleted.add(name);
  }

  /** Walks the names that begin with a prefix and come after a name; undefined walks from the first. */
  *walk(prefix: string, after: string | undefined): Generator<string, void> {
    const names = this.#ordered();
    for (let index = firstIndex(names, prefix, after); index < names.length; index += 1) {
      const name = names[index];
      if (name?.startsWith(prefix) !== true) return;
      if (!this.#deleted.has(name)) yield name;
    }
  }

  /** Forgets all names. */
  clear(): void {
    this.#sorted = [];
    this.#added.clear();
    this.#deleted.clear();
  }

  #ordered(): readonly string[] {
    if (this.#deleted.size * 4 > this.#sorted.length) {
      this.#sorted = this.#sorted.filter((name) => !this.#deleted.has(name));
      this.#deleted.clear();
    }
    if (this.#added.size > 0) {
      this.#sorted = merge(this.#sorted, [...this.#added].sort());
      this.#added.clear();
    }
    return this.#sorted;
  }
}

/** Merges two sorted lists without a name in common. */
function merge(kept: readonly string[], added: readonly string[]): readonly string[] {
  if (kept.length === 0 || added.length === 0) return kept.length === 0 ? added : kept;
  const merged: string[] = [];
  let next = 0;
  for (const name of added) {
    const end = firstIndex(kept, name, undefined);
    while (next < end) merged.push(kept[next++] ?? "");
    merged.push(name);
  }
  return [...merged, ...kept.slice(next)];
}

/** The index of the first name that is at or above the prefix and above `after`. */
function firstIndex(names: readonly string[], prefix: string, after: string | undefined): number {
  const isBefore = (name: string): boolean => name < prefix || (after !== undefined && name <= after);
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const name = names[middle];
    if (name !== undefined && isBefore(name)) low = middle + 1;
    else high = middle;
  }
  return low;
}
