import type { DatabasePlace } from "../audit/database-target.js";
import type { AuditDatabaseConfig } from "../config/audit-config.js";
import { openSession } from "../managers/postgres/open-session.js";
import { settingsOf } from "../managers/postgres/postgres-options.js";
import { readPostgresUrl } from "./open-postgres.js";

/**
 * The table that a configuration keeps its audit trail in.
 * @param keyId tells trails apart that are not given a name
 * @param timeoutMs how long it may take to connect, and for a statement
 */
export function auditDatabase(config: AuditDatabaseConfig, keyId: string, timeoutMs: number): DatabasePlace {
  const { url, schema, suffix } = config;
  const trail = `${config.trail ?? keyId}${suffix}`;
  const settings = settingsOf({
    server: () => readPostgresUrl(url),
    schema,
    statementTimeoutMs: timeoutMs,
    lockTimeoutMs: timeoutMs,
    connectTimeoutMs: timeoutMs,
  });
  return {
    description: `trail ${trail} in the table ${schema}.audit_line`,
    schema,
    trail,
    connect: async () => {
      const { default: driver } = await import("postgres");
      return await openSession({ driver, settings });
    },
  };
}
