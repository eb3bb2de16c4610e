/** A secret of a store has another value, or none any more. Never holds the value. */
export type StoreChange =
  | {
      readonly kind: "changed";
      readonly name: string;
      readonly version: number | undefined;
      readonly uid: string | undefined;
    }
  | { readonly kind: "removed"; readonly name: string };

/** Is told of changes, at once and one after the other. */
export type StoreListener = (change: StoreChange) => void;

/** Tells those who want to know what has changed. */
export class StoreChanges {
  readonly #listeners = new Set<StoreListener>();
  readonly #closing = new AbortController();

  /** Adds a listener; returns what takes it away. */
  on(listener: StoreListener): () => void {
    // Each call is a subscription of its own, also with the same function.
    const own: StoreListener = (change) => {
      listener(change);
    };
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  /** Tells of a change. A listener that throws keeps it neither from the others nor from the store. */
  emit(change: StoreChange): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  /** The changes from now on; of several of one secret that were not taken yet the last. */
  async *iterate(signal: AbortSignal | undefined): AsyncGenerator<StoreChange, void, undefined> {
    const due = new Map<string, StoreChange>();
    let wake = Promise.withResolvers<void>();
    const off = this.on((change) => {
      due.delete(change.name);
      due.set(change.name, change);
      wake.resolve();
    });
    const ends = signal === undefined ? [this.#closing.signal] : [this.#closing.signal, signal];
    const end = (): void => {
      wake.resolve();
    };
    for (const each of ends) each.addEventListener("abort", end);
    try {
      while (!ends.some(({ aborted }) => aborted)) {
        const [next] = due.values();
        if (next === undefined) {
          await wake.promise;
          wake = Promise.withResolvers<void>();
        } else {
          due.delete(next.name);
          yield next;
        }
      }
    } finally {
      off();
      for (const each of ends) each.removeEventListener("abort", end);
    }
  }

  /** Ends iterations, and tells nobody any more. */
  close(): void {
    this.#listeners.clear();
    this.#closing.abort();
  }
}
