import type { Caller } from "../../domain/caller.js";
import { cacheKey } from "../cache/cache-key.js";
import type { GuardedManager } from "../guarded-manager.js";
import type { ChangeFeed } from "./change-feed.js";
import { PolledFeed } from "./polled-feed.js";
import { PushedFeed } from "./pushed-feed.js";
import type { WatchSettings } from "./watch-settings.js";

/** What feeds work with. */
export interface ChangeFeedParts {
  readonly manager: GuardedManager;
  readonly settings: () => WatchSettings;
}

/**
 * Who tells each watcher of changes. A manager tells of the place where the broker's own calls go; whoever has options
 * bound to it reads elsewhere, and what changes there is found by asking with those options, once for all who have the
 * same.
 */
export class ChangeFeeds {
  /** For everybody without options of its own. */
  readonly shared: ChangeFeed;
  readonly #parts: ChangeFeedParts;
  // options, as a text → who tells of what is seen with them
  readonly #bound = new Map<string, ChangeFeed>();

  constructor(parts: ChangeFeedParts) {
    const { manager, settings } = parts;
    this.#parts = parts;
    this.shared = manager.capabilities.has("watch") ? new PushedFeed(manager) : new PolledFeed(manager, settings);
  }

  /** Who tells a caller now; another one once its options are bound to others. */
  of(caller: Caller): ChangeFeed {
    const { manager, settings } = this.#parts;
    const options = manager.optionsFor({ caller }, undefined);
    if (options === undefined) return this.shared;
    // Options of a configuration are plain data, if they are too many for a key of the cache.
    const key = cacheKey({ principal: undefined, version: undefined, options }) ?? JSON.stringify(options);
    let feed = this.#bound.get(key);
    if (feed === undefined) this.#bound.set(key, (feed = new PolledFeed(manager, settings, options)));
    return feed;
  }

  /** Forgets those that tell nobody any more. */
  keep(inUse: ReadonlySet<ChangeFeed>): void {
    for (const [key, feed] of this.#bound) if (!inUse.has(feed)) this.#bound.delete(key);
  }

  /** Hears no more. */
  close(): void {
    for (const feed of [this.shared, ...this.#bound.values()]) feed.close();
  }
}
