import { createHash } from "node:crypto";
import { SecretError } from "../../domain/secret-error.js";
import { type ColumnTypes, type Migration, migrations as storeMigrations } from "../../store/schema.js";
import type { SqlRow } from "../../store/sql-database.js";
import { formatKeys, lockKeys } from "./lock-keys.js";
import type { PostgresConnection } from "./postgres-connection.js";

/** Compared byte by byte: no index depends on a library of the machine the server runs on. */
const types: ColumnTypes = { integer: "bigint", text: 'text COLLATE "C"', bytes: "bytea", clustered: "" };

/** What is brought up to date. */
export interface MigrationTarget {
  readonly schema: string;
  /** What messages call the database. */
  readonly description: string;
  /** The store's, when left out. */
  readonly migrations?: readonly Migration[];
}

/** No name of a secret holds a zero character. */
const lockName = "\0migrations";

/**
 * Brings the schema up to date in one transaction; brokers that start at the same time take turns. A schema that is up
 * to date is only read, so the broker's user needs no more rights than to read and write its tables then.
 * @throws SecretError `CONFIG_INVALID` when the schema is newer than this program or is not what it was; nothing has
 * been changed then
 * @throws Error the driver's
 */
export async function migratePostgres(connection: PostgresConnection, target: MigrationTarget): Promise<void> {
  const { schema, migrations = storeMigrations } = target;
  await connection.script("BEGIN ISOLATION LEVEL READ COMMITTED");
  try {
    const keys = formatKeys(lockKeys(schema, [lockName]));
    await connection.all("SELECT count(pg_advisory_xact_lock(key)) FROM unnest(?::bigint[]) AS keys (key)", [keys]);
    await assertUnicode(connection, target);
    const applied = await readApplied(connection, schema);
    assertKnown(applied, migrations, target);
    if (applied === undefined) await createTable(connection, schema);
    for (const migration of migrations.slice(applied?.length ?? 0)) await apply(connection, migration);
    await connection.script("COMMIT");
  } catch (error) {
    // Lost or refused, the error is the one that was thrown first.
    await connection.script("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

async function assertUnicode(connection: PostgresConnection, { description }: MigrationTarget): Promise<void> {
  const [row] = await connection.all("SELECT current_setting('server_encoding') AS encoding");
  if (row?.["encoding"] === "UTF8") return;
  throw new SecretError("CONFIG_INVALID", `the database ${description} cannot keep every name; create it with UTF8`);
}

/** What has been done to the schema; undefined when it is none of ours yet. */
async function readApplied(connection: PostgresConnection, schema: string): Promise<readonly SqlRow[] | undefined> {
  const table = `"${schema}".schema_migrations`;
  const [found] = await connection.all("SELECT to_regclass(?::text) IS NOT NULL AS is_there", [table]);
  if (found?.["is_there"] !== 1) return undefined;
  return await connection.all("SELECT version, digest FROM schema_migrations ORDER BY version");
}

function assertKnown(
  applied: readonly SqlRow[] = [],
  migrations: readonly Migration[],
  { description, schema }: MigrationTarget,
): void {
  for (const [index, { version, digest }] of applied.entries()) {
    const known = migrations[index];
    const where = `the schema "${schema}" of the database ${description}`;
    if (known === undefined || known.version !== version) {
      throw new SecretError(
        "CONFIG_INVALID",
        `${where} was written by a newer version of the broker; use that version`,
      );
    }
    if (digest === digestOf(known)) continue;
    const message = `${where} is not what migration ${String(known.version)} makes; bring it back from a backup`;
    throw new SecretError("CONFIG_INVALID", message);
  }
}

async function createTable(connection: PostgresConnection, schema: string): Promise<void> {
  const [found] = await connection.all("SELECT to_regnamespace(?::text) IS NOT NULL AS is_there", [`"${schema}"`]);
  // Made by whoever may make schemas, where the broker may not.
  if (found?.["is_there"] !== 1) await connection.script(`CREATE SCHEMA "${schema}"`);
  const { integer, text } = types;
  await connection.script(`CREATE TABLE schema_migrations (
    version ${integer} PRIMARY KEY, digest ${text} NOT NULL, applied_at ${integer} NOT NULL)`);
}

async function apply(connection: PostgresConnection, migration: Migration): Promise<void> {
  for (const statement of migration.statements(types)) await connection.script(statement);
  await connection.run("INSERT INTO schema_migrations (version, digest, applied_at) VALUES (?, ?, ?)", [
    migration.version,
    digestOf(migration),
    Date.now(),
  ]);
}

/** Tells apart what the statements do, not how they are laid out. */
function digestOf({ statements }: Migration): string {
  const text = statements(types)
    .map((statement) => statement.replace(/\s+/gu, " ").trim())
    .join(";\n");
  return createHash("sha256").update(text).digest("hex");
}
