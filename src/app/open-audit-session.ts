import driver from "postgres";
import type { AuditConnection } from "../audit/database-target.js";
import type { AuditDatabaseConfig } from "../config/audit-config.js";
import { openSession } from "../managers/postgres/open-session.js";
import { settingsOf } from "../managers/postgres/postgres-options.js";
import { readPostgresUrl } from "./open-postgres.js";

/**
 * Connects to the database of an audit trail.
 * @param timeoutMs how long it may take to connect, and for a statement
 * @throws Error the driver's or the system's, SecretError `CONFIG_INVALID`
 */
export async function openAuditSession(
  { url, schema }: AuditDatabaseConfig,
  timeoutMs: number,
): Promise<AuditConnection> {
  const settings = settingsOf({
    server: () => readPostgresUrl(url),
    schema,
    statementTimeoutMs: timeoutMs,
    lockTimeoutMs: timeoutMs,
    connectTimeoutMs: timeoutMs,
  });
  return await openSession({ driver, settings });
}
