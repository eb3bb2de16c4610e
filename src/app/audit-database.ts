import type { DatabasePlace } from "../audit/database-target.js";
import type { AuditDatabaseConfig } from "../config/audit-config.js";

/**
 * The table that a configuration keeps its audit trail in.
 * @param keyId tells trails apart that are not given a name
 * @param timeoutMs how long it may take to connect, and for a statement
 */
export function auditDatabase(config: AuditDatabaseConfig, keyId: string, timeoutMs: number): DatabasePlace {
  const { schema, suffix } = config;
  const trail = `${config.trail ?? keyId}${suffix}`;
  return {
    description: `trail ${trail} in the table ${schema}.audit_line`,
    schema,
    trail,
    // Loaded only where it is used, as a library comes with it.
    connect: async () => {
      const { openAuditSession } = await import("./open-audit-session.js");
      return await openAuditSession(config, timeoutMs);
    },
  };
}
