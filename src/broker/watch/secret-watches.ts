import type { Caller } from "../../domain/caller.js";
import { SecretError } from "../../domain/secret-error.js";
import type { SecretName } from "../../domain/secret-name.js";
import type { Call } from "../call.js";
import type { FeedListener } from "./change-feed.js";
import { ChangeFeeds } from "./change-feeds.js";
import { SecretWatch, type SecretWatchParts } from "./secret-watch.js";
import { SharedReads } from "./shared-reads.js";
import type { SendMessage } from "./watch-delivery.js";

/** One watcher that is connected now. */
export interface Consumer {
  /** Higher for each that connected later. */
  readonly id: number;
  readonly principal: string;
  readonly peer: string;
  readonly connectTime: Date;
  /** The versions it has said it uses. */
  readonly acknowledged: ReadonlyMap<SecretName, number>;
  /** Whether it has a secret. */
  readonly holds: (name: SecretName) => boolean;
}

/** A watch and its end: whoever serves it awaits the run. */
export interface OpenWatch {
  readonly watch: SecretWatch;
  /** Sends until it fails. @throws SecretError why it ended */
  readonly run: () => Promise<never>;
}

/** Every watch of a broker. Those who are answered alike are told of changes by one feed. */
export class SecretWatches {
  readonly #parts: SecretWatchParts;
  readonly #feeds: ChangeFeeds;
  // watch → its place among them, and since when it is connected, in milliseconds since the epoch
  readonly #consumers = new Map<SecretWatch, { readonly id: number; readonly connectedAtMs: number }>();
  #isClosed = false;
  #opened = 0;

  constructor(parts: Omit<SecretWatchParts, "feed" | "reads">) {
    this.#feeds = new ChangeFeeds(parts);
    this.#parts = { ...parts, feed: this.#feeds.shared, reads: new SharedReads(parts) };
  }

  /** Who watches now, those who came first first. */
  get consumers(): readonly Consumer[] {
    return [...this.#consumers].map(([watch, { id, connectedAtMs }]) => ({
      id,
      principal: watch.caller.principal,
      peer: watch.caller.peer,
      connectTime: new Date(connectedAtMs),
      acknowledged: watch.acknowledged,
      holds: (name) => watch.holds(name),
    }));
  }

  /**
   * Begins a watch.
   * @param send resolves when more can be sent
   */
  open(call: Call, send: SendMessage): OpenWatch {
    const feed = this.#feeds.of(call.caller);
    const watch = new SecretWatch(call, feed === this.#parts.feed ? this.#parts : { ...this.#parts, feed }, send);
    const run = (): Promise<never> => {
      this.#opened += 1;
      this.#consumers.set(watch, { id: this.#opened, connectedAtMs: Date.now() });
      if (this.#isClosed) watch.fail(stopping());
      return watch.run().finally(() => {
        this.#consumers.delete(watch);
      });
    };
    return { watch, run };
  }

  /**
   * Tells of every change the manager tells of by itself. One that has to be asked is not asked more for it: then only
   * what is watched anyway is told. Returns its end.
   */
  listen(listener: FeedListener): () => void {
    const everything = { names: new Set<SecretName>(), prefixes: new Set([""]) };
    const { shared } = this.#feeds;
    return shared.isTold ? shared.join(listener, everything) : shared.overhear(listener);
  }

  /**
   * Looks again at what every watcher may see; to be called when the policy, or what is bound to principals, has changed.
   * Whoever reads from another place now has to begin anew.
   */
  recheck(): void {
    for (const watch of this.#consumers.keys()) {
      if (this.#feeds.of(watch.caller) === watch.feed) watch.allChanged();
      else watch.fail(rebound());
    }
    this.#feeds.keep(new Set([...this.#consumers.keys()].map(({ feed }) => feed)));
  }

  /**
   * Takes a secret from every watcher that has it, once the policy releases it no more.
   * @returns for each of them whether it confirmed, as soon as that is known
   */
  drop(name: SecretName): readonly Promise<boolean>[] {
    return [...this.#consumers.keys()].filter((watch) => watch.holds(name)).map((watch) => watch.drop(name));
  }

  /** Ends the watches of callers whose credentials are good no more. */
  endWhere(isRevoked: (caller: Caller) => boolean): void {
    for (const watch of this.#consumers.keys()) if (isRevoked(watch.caller)) watch.fail(revoked());
  }

  /** Ends every watch, and each that is begun later. */
  close(): void {
    this.#isClosed = true;
    for (const watch of this.#consumers.keys()) watch.fail(stopping());
    this.#feeds.close();
  }
}

function revoked(): SecretError {
  return new SecretError("CREDENTIAL_INVALID", "the credential is not accepted any more");
}

function rebound(): SecretError {
  return new SecretError("MANAGER_UNAVAILABLE", "other options are bound to this caller now; connect again");
}

function stopping(): SecretError {
  return new SecretError("MANAGER_UNAVAILABLE", "the broker is stopping; connect again", { retryAfterMs: 1_000 });
}
