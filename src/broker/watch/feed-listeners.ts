import type { SecretName } from "../../domain/secret-name.js";
import { type Coverage, covers, type FeedListener } from "./change-feed.js";

/** Everybody who listens to a feed. */
export class FeedListeners {
  // listener → what it covers
  readonly #coverages = new Map<FeedListener, Coverage>();

  readonly #overhearing = new Set<FeedListener>();

  /** Whether nobody covers anything. */
  get isEmpty(): boolean {
    return this.#coverages.size === 0;
  }

  /** Every name and prefix that somebody covers. */
  get coverage(): Coverage {
    const names = new Set<SecretName>();
    const prefixes = new Set<string>();
    for (const coverage of this.#coverages.values()) {
      for (const name of coverage.names) names.add(name);
      for (const prefix of coverage.prefixes) prefixes.add(prefix);
    }
    return { names, prefixes };
  }

  add(listener: FeedListener, coverage: Coverage): void {
    this.#coverages.set(listener, coverage);
  }

  /** Tells a listener of what others cover. Returns its end. */
  overhear(listener: FeedListener): () => void {
    this.#overhearing.add(listener);
    return () => {
      this.#overhearing.delete(listener);
    };
  }

  delete(listener: FeedListener): void {
    this.#coverages.delete(listener);
  }

  changed(name: SecretName, revision: bigint): void {
    for (const listener of this.#overhearing) listener.changed(name, revision);
    for (const [listener, coverage] of this.#coverages) if (covers(coverage, name)) listener.changed(name, revision);
  }

  allChanged(): void {
    for (const listener of this.#overhearing) listener.allChanged();
    for (const listener of this.#coverages.keys()) listener.allChanged();
  }
}
