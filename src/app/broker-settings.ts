import type { BrokerSettings, VirtualKeySettings } from "../broker/broker-settings.js";
import type { Config, KeyManagementSettings } from "../config/config.js";
import { compilePolicy } from "../policy/compile-policy.js";

/** What the broker needs of a configuration, compiled. */
export function brokerSettings({ keyManagement, limits, timeouts }: Config): BrokerSettings {
  const virtualKeys = keyManagement.storeVirtualKeys ? virtualKeySettings(keyManagement) : undefined;
  return {
    policy: compilePolicy({
      accessMode: keyManagement.accessMode,
      hostedKeys: keyManagement.hostedKeys,
      hostedPrefix: virtualKeys?.prefix,
    }),
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
