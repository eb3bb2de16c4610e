import type { SecretWatches } from "../watch/secret-watches.js";
import { SecretCache, type SecretCacheParts } from "./secret-cache.js";

/** What a followed cache works with. */
export interface FollowedCacheParts extends SecretCacheParts {
  readonly watches: Pick<SecretWatches, "listen">;
}

/** A cache that hears of changes while it is in use. */
export class FollowedCache {
  readonly cache: SecretCache;
  readonly #parts: FollowedCacheParts;
  #leave: (() => void) | undefined;

  constructor(parts: FollowedCacheParts) {
    this.#parts = parts;
    this.cache = new SecretCache(parts);
    this.adjust();
  }

  /** Listens or stops listening, as the settings have it now. */
  adjust(): void {
    if (this.#parts.settings().ttlMs > 0) {
      this.#leave ??= this.#parts.watches.listen(this.cache);
      return;
    }
    this.#leave?.();
    this.#leave = undefined;
    this.cache.clear();
  }

  /** Listens no more and keeps nothing. */
  close(): void {
    this.#leave?.();
    this.#leave = undefined;
    this.cache.close();
  }
}
