import type { BrokerSettings, VirtualKeySettings } from "../broker/broker-settings.js";
import type { Config, KeyManagementSettings } from "../config/config.js";
import type { SecretName } from "../domain/secret-name.js";
import { compilePolicy, type GrantSettings } from "../policy/compile-policy.js";
import { FreezablePolicy } from "../policy/freezable-policy.js";

/** What the broker needs of a configuration, compiled. @param frozenNames released to nobody; may change */
export function brokerSettings(
  { keyManagement, limits, timeouts, ...config }: Config,
  frozenNames: ReadonlyMap<SecretName, unknown>,
): BrokerSettings {
  const virtualKeys = keyManagement.storeVirtualKeys ? virtualKeySettings(keyManagement) : undefined;
  const bounds = {
    accessMode: keyManagement.accessMode,
    hostedKeys: keyManagement.hostedKeys,
    hostedPrefix: virtualKeys?.prefix,
  };
  const granting = grantSettings(config);
  const policy = compilePolicy(bounds, granting);
  const { prefetch: names } = config.cache;
  const prefetch =
    names.length === 0
      ? undefined
      : {
          names,
          concurrency: limits.batchConcurrency,
          // Nobody's grants: it is asked for on behalf of whoever will have one.
          bounds: new FreezablePolicy(compilePolicy(bounds, undefined), frozenNames),
        };
  return {
    policy: new FreezablePolicy(policy, frozenNames),
    boundOptions: new Map(
      config.principals.flatMap(({ principal, options }) =>
        Object.keys(options).length === 0 ? [] : [[principal, options] as const],
      ),
    ),
    virtualKeys,
    maxPayloadBytes: limits.maxPayloadBytes,
    batchConcurrency: limits.batchConcurrency,
    maxBatchBytes: limits.maxBatchBytes,
    watch: {
      heartbeatMs: timeouts.watchHeartbeatMs,
      pollIntervalMs: timeouts.watchPollMs,
      readTimeoutMs: timeouts.defaultDeadlineMs,
      concurrency: limits.batchConcurrency,
    },
    cache: { ...config.cache, fetchTimeoutMs: timeouts.defaultDeadlineMs, prefetch },
    breaker: config.breaker,
  };
}

/** Who may do what; undefined where everyone who can connect may do everything within the bounds. */
export function grantSettings({
  policies,
  principals,
}: Pick<Config, "policies" | "principals">): GrantSettings | undefined {
  if (policies === undefined) return undefined;
  return { grants: policies, memberships: new Map(principals.map(({ principal, groups }) => [principal, groups])) };
}

/** The prefix gets the "/" it may lack, as the reference does it. */
function virtualKeySettings({ virtualKeyPrefix, description, tags }: KeyManagementSettings): VirtualKeySettings {
  const prefix = virtualKeyPrefix.endsWith("/") ? virtualKeyPrefix : `${virtualKeyPrefix}/`;
  return { prefix, description, tags };
}
