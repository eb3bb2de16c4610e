import { readFileSync } from "node:fs";
import type { PostgresConfig } from "../config/config.js";
import type { UrlConfig } from "../config/url-config.js";
import { SecretError } from "../domain/secret-error.js";
import { openPostgresDatabase, type PostgresDatabase } from "../managers/postgres/postgres-database.js";

/**
 * Opens the configured database and brings its schema up to date.
 * @throws SecretError `CONFIG_INVALID`, `MANAGER_UNAVAILABLE`
 */
export async function openConfiguredPostgres(config: PostgresConfig): Promise<PostgresDatabase> {
  const { url, schema, maxConnections, statementTimeoutMs } = config;
  return await openPostgresDatabase({
    server: () => readPostgresUrl(url),
    schema,
    maxConnections,
    statementTimeoutMs,
    lockTimeoutMs: statementTimeoutMs,
  });
}

/**
 * The URL of a database, which may hold a password.
 * @throws SecretError `CONFIG_INVALID` when it is not where the configuration says
 */
export function readPostgresUrl(config: UrlConfig): string {
  if ("path" in config) return readFile(config.path);
  const text = process.env[config.variable];
  if (text !== undefined) return text;
  throw invalid(`the variable ${config.variable} with the database's URL is not set`);
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw invalid(`the file ${path} with the database's URL cannot be read`, cause);
  }
}

function invalid(message: string, cause?: unknown): SecretError {
  return new SecretError("CONFIG_INVALID", message, { cause });
}
