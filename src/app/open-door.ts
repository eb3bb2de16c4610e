import { Broker } from "../broker/broker.js";
import { SecretCache } from "../broker/cache/secret-cache.js";
import { Enforcement } from "../broker/enforcement.js";
import { Freezes } from "../broker/freezes.js";
import { GuardedManager } from "../broker/guarded-manager.js";
import { SecretWatches } from "../broker/watch/secret-watches.js";
import type { Config } from "../config/config.js";
import type { Capability } from "../domain/capability.js";
import { BrokerMetrics } from "../telemetry/broker-metrics.js";
import { brokerSettings } from "./broker-settings.js";
import { createFreezeFile } from "./freeze-file.js";
import { AuditTrail } from "./audit-trail.js";
import { ownAuditConfig } from "./open-audit-sink.js";
import { openManager } from "./open-manager.js";
import type { OpenManagerOptions } from "./open-manager-options.js";

/** A broker that nobody can call: the way to a manager that passes policy, audit and guard. */
export interface Door {
  readonly broker: Broker;
  readonly managerName: string;
  readonly capabilities: ReadonlySet<Capability>;
  /** How many questions the manager is asked at once. */
  readonly concurrency: number;
  close(): Promise<void>;
}

/**
 * Opens the manager of a configuration for work that is done here rather than through a running broker. It is decided
 * and recorded as a caller's would be; records that would go to standard output go to standard error, where they do not
 * mix with results, and those for a file to one of their own beside it, as two processes cannot write one chain.
 * @throws SecretError `CONFIG_INVALID`, `MANAGER_UNAVAILABLE`
 */
export async function openDoor(config: Config, options: OpenManagerOptions): Promise<Door> {
  const { log } = options;
  const metrics = new BrokerMetrics();
  const freezes = new Freezes(createFreezeFile(config.freezesPath));
  await freezes.load();
  const settings = brokerSettings(config, freezes.byName);
  const opened = await openManager(config.manager, options);
  const manager = new GuardedManager(opened, { log, metrics, maxPayloadBytes: () => settings.maxPayloadBytes });
  try {
    const stdout = { stream: process.stderr, name: "stderr" };
    const audit = await AuditTrail.open(ownAuditConfig(config.audit, "copy"), { log, stdout, isGuest: true });
    const { log: auditLog, payloadHashes } = audit;
    const enforcement = new Enforcement({ audit: auditLog, metrics, policy: () => settings.policy, payloadHashes });
    const watches = new SecretWatches({ manager, enforcement, log, settings: () => settings.watch });
    // What is copied is what the manager has now.
    const cache = new SecretCache({
      manager,
      counts: metrics.cache,
      settings: () => ({ ...settings.cache, ttlMs: 0 }),
    });
    return {
      broker: new Broker({ manager, cache, enforcement, metrics, watches, settings: () => settings }),
      managerName: manager.name,
      capabilities: manager.capabilities,
      concurrency: settings.batchConcurrency,
      close: async () => {
        await manager.close();
        await audit.close();
      },
    };
  } catch (error) {
    await manager.close();
    throw error;
  }
}
