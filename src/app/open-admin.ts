import type { ListenAddress } from "../config/config.js";
import { type AdminServer, startAdminServer } from "../telemetry/admin-server.js";
import type { BrokerMetrics } from "../telemetry/broker-metrics.js";
import type { CallMetrics } from "../telemetry/call-metrics.js";
import type { ListenerGauges } from "../telemetry/listener-series.js";
import { createPrometheus } from "../telemetry/prometheus.js";
import { version } from "./version.js";

/** What metrics and health tell of. */
export interface AdminSources {
  readonly calls: CallMetrics;
  readonly broker: BrokerMetrics;
  readonly listeners: ListenerGauges;
  readonly isManagerHealthy: () => boolean;
  readonly isAuditHealthy: () => boolean;
}

/** Serves metrics and health over HTTP. @throws SecretError `CONFIG_INVALID` when the address cannot be had */
export async function openAdmin(listen: ListenAddress, sources: AdminSources): Promise<AdminServer> {
  const { calls, broker, listeners, isManagerHealthy, isAuditHealthy } = sources;
  const gauges = { managerHealthy: isManagerHealthy, auditHealthy: isAuditHealthy };
  const prometheus = createPrometheus({ calls, broker, listeners, gauges, version });
  return await startAdminServer({
    listen,
    routes: {
      metrics: async () => ({ contentType: prometheus.contentType, body: await prometheus.render() }),
      health: () => ({
        serving: isManagerHealthy() && isAuditHealthy(),
        detail: { manager: stateOf(isManagerHealthy()), audit: stateOf(isAuditHealthy()) },
      }),
    },
  });
}

function stateOf(healthy: boolean): string {
  return healthy ? "healthy" : "unhealthy";
}
