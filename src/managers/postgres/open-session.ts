import { PostgresConnection, type PostgresDriver } from "./postgres-connection.js";
import { unavailable } from "./postgres-failure.js";
import type { PostgresSettings } from "./postgres-options.js";
import { describeHost, describeServer, type PostgresHost } from "./postgres-server.js";

/** What sessions of a database have in common. */
export interface SessionOptions {
  readonly driver: PostgresDriver;
  readonly settings: PostgresSettings;
  readonly onNotification?: ((text: string) => void) | undefined;
}

/** How much longer than a statement may take its answer is waited for. */
const answerGraceMs = 2_000;

/** A transaction whose broker is stuck, or gone without a word, must not keep its locks. */
const idleTransactionTimeoutMs = 30_000;

/**
 * Sets what the server knows of the settings. What is acknowledged is on the disk: `synchronous_commit` may be stricter
 * than `on`, never laxer.
 */
const settingsSql = `SELECT set_config(wanted.name, wanted.value, false)
  FROM (SELECT unnest(?::text[]) AS name, unnest(?::text[]) AS value) AS wanted
  JOIN pg_catalog.pg_settings AS known ON known.name = wanted.name
  WHERE NOT (known.name = 'synchronous_commit' AND known.setting = 'remote_apply')`;

/**
 * Opens a session at the first host that is no standby.
 * @throws Error the driver's, the system's or `SecretError` of the last host tried
 */
export async function openSession(options: SessionOptions): Promise<PostgresConnection> {
  const server = await options.settings.resolveServer();
  const failures: unknown[] = [];
  for (const host of server.hosts) {
    try {
      return await openAt(host, { ...options, server });
    } catch (error) {
      failures.push(error);
    }
  }
  throw failures.at(-1);
}

type ServerOptions = SessionOptions & {
  readonly server: Awaited<ReturnType<PostgresSettings["resolveServer"]>>;
};

async function openAt(host: PostgresHost, options: ServerOptions): Promise<PostgresConnection> {
  const { driver, server, settings, onNotification } = options;
  const { connectTimeoutMs, statementTimeoutMs } = settings;
  const answerTimeoutMs = statementTimeoutMs + answerGraceMs;
  const description = describeServer(server);
  const ways = { driver, server, host, description, connectTimeoutMs, answerTimeoutMs, onNotification };
  const connection = await PostgresConnection.open(ways);
  try {
    const wanted = Object.entries(sessionSettings(settings));
    await connection.all(settingsSql, [
      formatArray(wanted.map(([name]) => name)),
      formatArray(wanted.map(([, value]) => value)),
    ]);
    // A standby may be behind what has been acknowledged.
    const [row] = await connection.all("SELECT pg_catalog.pg_is_in_recovery() AS is_standby");
    if (row?.["is_standby"] !== 0) throw unavailable(describeHost(host), "is a standby");
    return connection;
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

function sessionSettings(settings: PostgresSettings): Readonly<Record<string, string>> {
  return {
    search_path: `"${settings.schema}"`,
    statement_timeout: String(settings.statementTimeoutMs),
    lock_timeout: String(settings.lockTimeoutMs),
    idle_in_transaction_session_timeout: String(idleTransactionTimeoutMs),
    synchronous_commit: "on",
    // What one transaction sees is said by its BEGIN; nothing here may be laxer by a setting of the role.
    default_transaction_isolation: "read committed",
    // A broker's machine that is gone is noticed before its locks hurt.
    tcp_keepalives_idle: "10",
    tcp_keepalives_interval: "5",
    tcp_keepalives_count: "3",
    tcp_user_timeout: "20000",
  };
}

/** None of the values holds a quote's enemy but the schema's quotes. */
function formatArray(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replaceAll('"', '\\"')}"`).join(",")}}`;
}
