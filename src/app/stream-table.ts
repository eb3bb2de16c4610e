/** Where a stream stands as long as it is open. */
interface Place<Stream> {
  stream: Stream | undefined;
}

/**
 * A map of open streams by their ids that lets go of a stream when it is deleted.
 *
 * V8 replaces the table behind a `Map` every few dozen additions, and a table that was replaced goes on pointing to its
 * entries and to the next table, for iterators that are under way (`OrderedHashTable::Rehash`). Once one of them is old,
 * young collections keep all later ones, and so every stream that was open when one was replaced. Here the tables hold
 * places, which are empty once their streams are deleted.
 */
export class StreamTable<Stream> extends Map<number, Stream> {
  // id → place; the map this one is itself stays empty
  readonly #places = new Map<number, Place<Stream>>();

  override get size(): number {
    return this.#places.size;
  }

  override has(id: number): boolean {
    return this.#places.has(id);
  }

  override get(id: number): Stream | undefined {
    return this.#places.get(id)?.stream;
  }

  override set(id: number, stream: Stream): this {
    this.#places.set(id, { stream });
    return this;
  }

  override delete(id: number): boolean {
    const place = this.#places.get(id);
    if (place === undefined) return false;
    place.stream = undefined;
    return this.#places.delete(id);
  }

  override clear(): void {
    for (const id of this.#places.keys()) this.delete(id);
  }

  override forEach(visit: (stream: Stream, id: number, table: Map<number, Stream>) => void, receiver?: unknown): void {
    for (const [id, stream] of this.entries()) visit.call(receiver, stream, id, this);
  }

  override keys(): MapIterator<number> {
    return this.#places.keys();
  }

  override *values(): MapIterator<Stream> {
    for (const [, stream] of this.entries()) yield stream;
  }

  override *entries(): MapIterator<[number, Stream]> {
    for (const [id, { stream }] of this.#places) if (stream !== undefined) yield [id, stream];
  }

  override [Symbol.iterator](): MapIterator<[number, Stream]> {
    return this.entries();
  }
}
