import type { SecretBrokerClient } from "../secret-broker-client.js";
import type { WatchOptions } from "../watch/secret-watch.js";
import type { WatchEvent, WatchSubscription } from "../watch/watch-events.js";

/** A stream of changes, as far as a store needs it. */
export interface SourceWatch extends AsyncIterable<WatchEvent> {
  subscribe(subscription: WatchSubscription): void;
  unsubscribe(subscription: Pick<WatchSubscription, "names" | "prefixes">): void;
  ack(name: string, version: number): void;
  close(): void;
}

/** Where a store gets secrets from; a {@link SecretBrokerClient} is one. */
export interface SecretSource extends Pick<SecretBrokerClient, "readSecret" | "batchReadSecrets"> {
  watchSecrets(options?: WatchOptions): SourceWatch;
}
