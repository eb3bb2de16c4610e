import type { Log } from "../../log/log.js";
import type { SecretWatches } from "../watch/secret-watches.js";
import { Prefetch } from "./prefetch.js";
import { SecretCache, type SecretCacheParts } from "./secret-cache.js";

/** What a followed cache works with. */
export interface FollowedCacheParts extends SecretCacheParts {
  readonly watches: Pick<SecretWatches, "listen">;
  readonly log: Log;
}

/** A cache that hears of changes while it is in use, and is filled ahead where that is configured. */
export class FollowedCache {
  readonly cache: SecretCache;
  readonly #parts: FollowedCacheParts;
  /** What is read before anybody asks for it. */
  readonly prefetch: Prefetch;
  #leave: (() => void)[] = [];

  constructor(parts: FollowedCacheParts) {
    this.#parts = parts;
    this.cache = new SecretCache(parts);
    this.prefetch = new Prefetch({ ...parts, cache: this.cache });
    this.adjust();
  }

  /** Listens or stops listening, as the settings have it now. */
  adjust(): void {
    const { watches, settings } = this.#parts;
    const { ttlMs } = settings();
    if (ttlMs === 0) {
      this.#stopListening();
      this.cache.clear();
    } else if (this.#leave.length === 0) {
      // The cache first: what it drops is read again only then.
      this.#leave = [this.cache, this.prefetch].map((listener) => watches.listen(listener));
    }
    this.prefetch.adjust();
  }

  /** Listens no more and keeps nothing. */
  close(): void {
    this.#stopListening();
    this.prefetch.close();
    this.cache.close();
  }

  #stopListening(): void {
    for (const leave of this.#leave.splice(0)) leave();
  }
}
