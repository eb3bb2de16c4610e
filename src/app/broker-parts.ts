import type { AuditStatus, BrokerStatus } from "../broker/broker-status.js";
import type { FollowedCache } from "../broker/cache/followed-cache.js";
import type { GuardedManager } from "../broker/guarded-manager.js";
import type { HealthMonitor } from "../broker/health-monitor.js";
import type { SecretWatches } from "../broker/watch/secret-watches.js";
import type { GrpcServer } from "../server/grpc-server.js";
import type { AdminServer } from "../telemetry/admin-server.js";
import type { BrokerMetrics } from "../telemetry/broker-metrics.js";
import { CacheCounts } from "../telemetry/cache-counts.js";
import type { AuditTrail } from "./audit-trail.js";
import type { TlsWatch } from "./tls-watch.js";

/** What runs between a start and a stop. */
export interface BrokerParts {
  readonly manager: GuardedManager;
  readonly audit: AuditTrail;
  readonly server: GrpcServer;
  readonly health: HealthMonitor;
  readonly metrics: BrokerMetrics;
  readonly watches: SecretWatches;
  /** One for each encrypted address. */
  readonly tls: TlsWatch[];
  readonly followed: FollowedCache;
  admin: AdminServer | undefined;
}

/** How the audit trail is while there is none. */
const nothingWritten: AuditStatus = { healthy: false, records: 0, lastWriteTime: undefined };

/** How what runs is; also when nothing does. @param kind the manager's */
export function statusOf(
  parts: BrokerParts | undefined,
  kind: string,
): Pick<BrokerStatus, "managers" | "audit" | "cache"> {
  if (parts === undefined) return { managers: [], audit: nothingWritten, cache: new CacheCounts() };
  const { manager, health, audit, metrics } = parts;
  const { name, capabilities } = manager;
  const managers = [{ name, kind, healthy: health.healthy, capabilities }];
  return { managers, audit: audit.status, cache: metrics.cache };
}
