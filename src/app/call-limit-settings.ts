import type { Config } from "../config/config.js";
import type { CallLimitSettings } from "../server/call-limits.js";

/** The limits of a configuration. */
export function callLimitSettings({ limits, principals }: Config): CallLimitSettings {
  const { maxConcurrentCalls, maxWatches, rate, perPrincipal } = limits;
  const byPrincipal = new Map(
    principals.flatMap(({ principal, limits: own }) => (own === undefined ? [] : [[principal, own] as const])),
  );
  return { concurrentCalls: maxConcurrentCalls, watches: maxWatches, rate, perPrincipal, byPrincipal };
}
