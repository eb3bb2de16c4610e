import type { BrokerSettings, VirtualKeySettings } from "../broker/broker-settings.js";
import type { Config, KeyManagementSettings } from "../config/config.js";
import type { SecretName } from "../domain/secret-name.js";
import { compilePolicy } from "../policy/compile-policy.js";
import { FreezablePolicy } from "../policy/freezable-policy.js";

/** What the broker needs of a configuration, compiled. @param frozenNames released to nobody; may change */
export function brokerSettings(
  { keyManagement, limits, timeouts }: Config,
  frozenNames: ReadonlyMap<SecretName, unknown>,
): BrokerSettings {
  const virtualKeys = keyManagement.storeVirtualKeys ? virtualKeySettings(keyManagement) : undefined;
  const policy = compilePolicy({
    accessMode: keyManagement.accessMode,
    hostedKeys: keyManagement.hostedKeys,
    hostedPrefix: virtualKeys?.prefix,
  });
  return {
    policy: new FreezablePolicy(policy, frozenNames),
    virtualKeys,
    maxPayloadBytes: limits.maxPayloadBytes,
    batchConcurrency: limits.batchConcurrency,
    watch: {
      heartbeatMs: timeouts.watchHeartbeatMs,
      pollIntervalMs: timeouts.watchPollMs,
      readTimeoutMs: timeouts.defaultDeadlineMs,
      concurrency: limits.batchConcurrency,
    },
  };
}

/** The prefix gets the "/" it may lack, as the reference does it. */
function virtualKeySettings({ virtualKeyPrefix, description, tags }: KeyManagementSettings): VirtualKeySettings {
  const prefix = virtualKeyPrefix.endsWith("/") ? virtualKeyPrefix : `${virtualKeyPrefix}/`;
  return { prefix, description, tags };
}
