import type { Config } from "../config/config.js";
import type { CallLimitSettings } from "../server/call-limits.js";

/** The limits of a configuration. */
export function callLimitSettings({ limits }: Config): CallLimitSettings {
  const { maxConcurrentCalls, maxWatches, rate, perPrincipal } = limits;
  return { concurrentCalls: maxConcurrentCalls, watches: maxWatches, rate, perPrincipal, byPrincipal: new Map() };
}
