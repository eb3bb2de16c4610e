import type { BoundOptions } from "./bound-options.js";
import type { CacheSettings } from "./cache/cache-settings.js";
import type { Tags } from "../domain/secret.js";
import type { Policy } from "../policy/policy.js";
import type { BreakerSettings } from "./manager-breaker.js";
import type { WatchSettings } from "./watch/watch-settings.js";

/** How virtual keys are stored. */
export interface VirtualKeySettings {
  /** Ends in "/". */
  readonly prefix: string;
  readonly description: string | undefined;
  readonly tags: Tags | undefined;
}

/** What a reload can change while calls are under way; swapped as a whole, each call keeps the one it began with. */
export interface BrokerSettings {
  readonly policy: Policy;
  readonly boundOptions: BoundOptions;
  /** Undefined when virtual keys are not stored. */
  readonly virtualKeys: VirtualKeySettings | undefined;
  readonly maxPayloadBytes: number;
  /** How many reads of a batch the manager is asked at once. */
  readonly batchConcurrency: number;
  /** All payloads that one batch is answered with. */
  readonly maxBatchBytes: number;
  readonly watch: WatchSettings;
  readonly cache: CacheSettings;
  /** Undefined where the manager is always asked. */
  readonly breaker: BreakerSettings | undefined;
}
