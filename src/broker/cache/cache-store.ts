import type { SecretName } from "../../domain/secret-name.js";
import type { CacheCounts } from "../../telemetry/cache-counts.js";
import { type CacheEntry, wipe } from "./cache-entry.js";
import type { SharedFetch } from "./shared-fetch.js";

/** Where the answer to one question is kept, and waited for. */
export class CachePlace {
  readonly name: SecretName;
  readonly key: string;
  entry: CacheEntry | undefined;
  /** The question that is under way now, the newest if there are several. */
  fetch: SharedFetch | undefined;
  /** Nothing may be kept here any more: what is under way was asked before a change. */
  isDropped = false;
  /** In the order of their last use, those with an entry. */
  newer: CachePlace | undefined;
  older: CachePlace | undefined;

  constructor(name: SecretName, key: string) {
    this.name = name;
    this.key = key;
  }
}

/** Keeps answers by name and question within a bound of bytes; what was used longest ago goes first. */
export class CacheStore {
  // name → key → place
  readonly #byName = new Map<SecretName, Map<string, CachePlace>>();
  readonly #counts: CacheCounts;
  #newest: CachePlace | undefined;
  #oldest: CachePlace | undefined;

  constructor(counts: CacheCounts) {
    this.#counts = counts;
  }

  find(name: SecretName, key: string): CachePlace | undefined {
    return this.#byName.get(name)?.get(key);
  }

  /** The same; made when it is not there. It must be closed when nothing is kept in it. */
  open(name: SecretName, key: string): CachePlace {
    let places = this.#byName.get(name);
    if (places === undefined) this.#byName.set(name, (places = new Map<string, CachePlace>()));
    let place = places.get(key);
    if (place === undefined) places.set(key, (place = new CachePlace(name, key)));
    return place;
  }

  /** Forgets a place that holds nothing and waits for nothing. */
  closeIfEmpty(place: CachePlace): void {
    if (place.isDropped || place.entry !== undefined || place.fetch !== undefined) return;
    place.isDropped = true;
    const places = this.#byName.get(place.name);
    places?.delete(place.key);
    if (places?.size === 0) this.#byName.delete(place.name);
  }

  /** Notes that an entry was used. */
  touch(place: CachePlace): void {
    if (place === this.#newest) return;
    this.#unlink(place);
    this.#link(place);
  }

  /** Puts an entry where another may be; one that does not fit at all is not kept. */
  keep(place: CachePlace, entry: CacheEntry, maxBytes: number): void {
    this.#remove(place);
    if (place.isDropped || entry.bytes > maxBytes) {
      wipe(entry);
      return;
    }
    place.entry = entry;
    this.#link(place);
    this.#counts.entries += 1;
    this.#counts.bytes += entry.bytes;
    while (this.#counts.bytes > maxBytes && this.#oldest !== undefined) {
      this.#counts.evictions += 1;
      this.erase(this.#oldest);
    }
  }

  /** Removes an entry. */
  erase(place: CachePlace): void {
    this.#remove(place);
    this.closeIfEmpty(place);
  }

  /** Removes all there is of a name, and keeps nothing of what is under way. */
  drop(name: SecretName): void {
    const places = this.#byName.get(name);
    if (places === undefined) return;
    this.#byName.delete(name);
    for (const place of places.values()) {
      this.#remove(place);
      place.isDropped = true;
    }
  }

  /** The same for every name. */
  dropAll(): void {
    for (const name of [...this.#byName.keys()]) this.drop(name);
  }

  #remove(place: CachePlace): void {
    const { entry } = place;
    if (entry === undefined) return;
    place.entry = undefined;
    this.#unlink(place);
    this.#counts.entries -= 1;
    this.#counts.bytes -= entry.bytes;
    wipe(entry);
  }

  #link(place: CachePlace): void {
    place.older = this.#newest;
    place.newer = undefined;
    if (this.#newest !== undefined) this.#newest.newer = place;
    this.#newest = place;
    this.#oldest ??= place;
  }

  #unlink(place: CachePlace): void {
    const { newer, older } = place;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    place.newer = undefined;
    place.older = undefined;
  }
}
