import { isDeepStrictEqual } from "node:util";
import type { Config } from "./config.js";

/** When a changed setting takes effect. */
export interface ReloadRule {
  /** As it is spelt in the file. */
  readonly setting: string;
  /** Whether only a start puts it in force; a reload is enough for the others. */
  readonly needsRestart: boolean;
}

/** The parts of a configuration whose settings are decided on one by one. */
type Group = "keyManagement" | "limits" | "timeouts" | "cache";

/** A rule for each setting: a new one does not compile without. */
type ReloadRules = Readonly<Record<Exclude<keyof Config, Group | "file">, ReloadRule>> & {
  readonly [G in Group]: Readonly<Record<keyof Config[G], ReloadRule>>;
};

const live = (setting: string): ReloadRule => ({ setting, needsRestart: false });
const fixed = (setting: string): ReloadRule => ({ setting, needsRestart: true });
const settings = "general_settings.key_management_settings";

/** When each setting of a configuration takes effect after a change. */
export const reloadRules: ReloadRules = {
  manager: fixed(
    `general_settings.key_management_system, ${settings}.custom_secret_manager, secret_broker.manager or secret_broker.python`,
  ),
  keyManagement: {
    accessMode: live(`${settings}.access_mode`),
    hostedKeys: live(`${settings}.hosted_keys`),
    storeVirtualKeys: live(`${settings}.store_virtual_keys`),
    virtualKeyPrefix: live(`${settings}.prefix_for_stored_virtual_keys`),
    description: live(`${settings}.description`),
    tags: live(`${settings}.tags`),
  },
  listen: fixed("secret_broker.listen"),
  adminListen: fixed("secret_broker.admin.listen"),
  audit: fixed("secret_broker.audit"),
  logLevel: live("secret_broker.log.level"),
  limits: {
    // How large a message the listeners take follows from it, and is fixed once they listen.
    maxPayloadBytes: fixed("secret_broker.limits.max_payload"),
    maxMetadataBytes: fixed("secret_broker.limits.max_metadata"),
    maxConcurrentStreams: fixed("secret_broker.limits.max_concurrent_streams"),
    batchConcurrency: live("secret_broker.limits.batch_concurrency"),
    maxBatchBytes: live("secret_broker.limits.max_batch_payload"),
    maxConcurrentCalls: live("secret_broker.limits.max_concurrent_calls"),
    maxWatches: live("secret_broker.limits.max_watches"),
    rate: live("secret_broker.limits.requests_per_second"),
    perPrincipal: live("secret_broker.limits.per_principal"),
    connections: fixed("secret_broker.limits.max_connections, secret_broker.limits.handshake_timeout and the like"),
  },
  timeouts: {
    defaultDeadlineMs: live("secret_broker.timeouts.default_deadline"),
    drainMs: live("secret_broker.timeouts.drain"),
    healthIntervalMs: live("secret_broker.timeouts.health_interval"),
    watchHeartbeatMs: live("secret_broker.timeouts.watch_heartbeat"),
    watchPollMs: live("secret_broker.timeouts.watch_poll"),
  },
  cache: {
    ttlMs: live("secret_broker.cache.ttl"),
    refreshAheadMs: live("secret_broker.cache.refresh_ahead"),
    staleWhileRevalidateMs: live("secret_broker.cache.stale_while_revalidate"),
    maxStaleMs: live("secret_broker.cache.max_stale"),
    negativeTtlMs: live("secret_broker.cache.negative_ttl"),
    maxBytes: live("secret_broker.cache.max_bytes"),
    jitter: live("secret_broker.cache.jitter"),
    prefetch: live("secret_broker.cache.prefetch"),
    snapshot: fixed("secret_broker.cache.snapshot"),
  },
  breaker: live("secret_broker.breaker"),
  // Series that were counted under one choice cannot be told apart from those under another.
  metricsSecretNames: fixed("secret_broker.metrics.secret_names"),
  freezesPath: fixed("secret_broker.freezes.path"),
  policies: live("secret_broker.policies"),
  policyFiles: live("secret_broker.policy_files"),
  principals: live("secret_broker.principals"),
  authentication: live("secret_broker.authentication"),
};

/** The settings that differ between two configurations and take effect only at a start. */
export function settingsNeedingRestart(old: Config, next: Config): readonly string[] {
  const { keyManagement, limits, timeouts, cache, ...whole } = reloadRules;
  const changed = [
    ...changedRules(whole, old, next),
    ...changedRules(keyManagement, old.keyManagement, next.keyManagement),
    ...changedRules(limits, old.limits, next.limits),
    ...changedRules(timeouts, old.timeouts, next.timeouts),
    ...changedRules(cache, old.cache, next.cache),
  ];
  return changed.filter(({ needsRestart }) => needsRestart).map(({ setting }) => setting);
}

/**
 * What is in force once a changed configuration was read again without a restart: the next one, but for what is fixed.
 * The result, not the next one, is what a later change must be compared with.
 */
export function reloadedConfig(old: Config, next: Config): Config {
  const { manager, listen, adminListen, audit, metricsSecretNames, freezesPath } = old;
  const { maxPayloadBytes, maxMetadataBytes, maxConcurrentStreams, connections } = old.limits;
  const limits = { ...next.limits, maxPayloadBytes, maxMetadataBytes, maxConcurrentStreams, connections };
  const cache = { ...next.cache, snapshot: old.cache.snapshot };
  return { ...next, manager, listen, adminListen, audit, metricsSecretNames, freezesPath, limits, cache };
}

function changedRules<K extends string>(
  rules: Readonly<Record<K, ReloadRule>>,
  old: Readonly<Record<NoInfer<K>, unknown>>,
  next: Readonly<Record<NoInfer<K>, unknown>>,
): ReloadRule[] {
  // The rules' type has these keys, and a literal no others.
  const parts = Object.keys(rules) as K[];
  return parts.filter((part) => !isDeepStrictEqual(old[part], next[part])).map((part) => rules[part]);
}
