import { isDeepStrictEqual } from "node:util";
import type { Config } from "./config.js";

/** How each setting that is fixed at the start is found in a configuration; the rest takes effect at once. */
const fixedSettings: Readonly<Record<string, (config: Config) => unknown>> = {
  "general_settings.key_management_system, custom_secret_manager or secret_broker.manager": ({ manager }) => manager,
  "secret_broker.listen": ({ listen }) => listen,
  "secret_broker.admin.listen": ({ adminListen }) => adminListen,
  "secret_broker.audit": ({ audit }) => audit,
  "secret_broker.limits.max_metadata": ({ limits }) => limits.maxMetadataBytes,
  "secret_broker.limits.max_concurrent_streams": ({ limits }) => limits.maxConcurrentStreams,
  "secret_broker.metrics.secret_names": ({ metricsSecretNames }) => metricsSecretNames,
};

/** The settings that differ between two configurations and take effect only at a start. */
export function settingsNeedingRestart(old: Config, next: Config): readonly string[] {
  return Object.entries(fixedSettings)
    .filter(([, of]) => !isDeepStrictEqual(of(old), of(next)))
    .map(([setting]) => setting);
}
