import type { Awaitable } from "../../contract/secret-manager.js";
import { SecretError } from "../../domain/secret-error.js";
import { parsePostgresUrl } from "./parse-postgres-url.js";
import type { PostgresServer } from "./postgres-server.js";

/** What a database is opened with. */
export interface PostgresOptions {
  /**
   * Where the database is: a URL, what a URL says, or what gives a URL. That is asked for each new connection, so a
   * password that is replaced is followed without a restart.
   */
  readonly server: string | PostgresServer | (() => Awaitable<string>);
  /** The schema the tables are in, made when it is missing; `secret_broker` when left out. */
  readonly schema?: string | undefined;
  /** The most connections, 2 to 1,000 and 10 when left out; one that listens for changes comes on top. */
  readonly maxConnections?: number | undefined;
  /** How long one statement may take, 5,000 when left out. */
  readonly statementTimeoutMs?: number | undefined;
  /** How long a statement may wait for a lock, 5,000 when left out. */
  readonly lockTimeoutMs?: number | undefined;
  /** How long it may take to connect to one host, 5,000 when left out. */
  readonly connectTimeoutMs?: number | undefined;
  /** How often listeners are called although no change was announced, 5,000 when left out. */
  readonly pollIntervalMs?: number | undefined;
}

/** {@link PostgresOptions} with every default filled in. */
export interface PostgresSettings {
  readonly resolveServer: () => Promise<PostgresServer>;
  readonly schema: string;
  readonly maxConnections: number;
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly pollIntervalMs: number;
}

const defaultTimeoutMs = 5_000;
/** What a timer of Node.js can wait, in milliseconds. */
const maxTimeoutMs = 2_147_483_647;
/** Lower case only, so that it means the same with quotes and without. */
const schemaForm = /^[a-z_][a-z0-9_]{0,62}$/u;

/**
 * Checks options and fills in what was left out.
 * @throws SecretError `CONFIG_INVALID`
 */
export function settingsOf(options: PostgresOptions): PostgresSettings {
  const { server, schema = "secret_broker", maxConnections = 10 } = options;
  if (!schemaForm.test(schema) || schema.startsWith("pg_")) {
    throw invalid("schema", "must be 1 to 63 small letters, digits and _, and not begin with a digit or pg_");
  }
  if (!Number.isInteger(maxConnections) || maxConnections < 2 || maxConnections > 1_000) {
    throw invalid("maxConnections", "must be a whole number from 2 to 1,000");
  }
  return {
    resolveServer: resolverOf(server),
    schema,
    maxConnections,
    statementTimeoutMs: timeout("statementTimeoutMs", options.statementTimeoutMs),
    lockTimeoutMs: timeout("lockTimeoutMs", options.lockTimeoutMs),
    connectTimeoutMs: timeout("connectTimeoutMs", options.connectTimeoutMs),
    pollIntervalMs: timeout("pollIntervalMs", options.pollIntervalMs),
  };
}

function resolverOf(server: PostgresOptions["server"]): () => Promise<PostgresServer> {
  if (typeof server === "function") return async () => parsePostgresUrl(await server());
  const fixed = typeof server === "string" ? parsePostgresUrl(server) : server;
  return () => Promise.resolve(fixed);
}

function timeout(option: string, timeoutMs = defaultTimeoutMs): number {
  if (Number.isInteger(timeoutMs) && timeoutMs > 0 && timeoutMs <= maxTimeoutMs) return timeoutMs;
  throw invalid(option, `must be a whole number of milliseconds from 1 to ${String(maxTimeoutMs)}`);
}

function invalid(option: string, rule: string): SecretError {
  return new SecretError("CONFIG_INVALID", `the database's option "${option}" ${rule}`);
}
