import { createHash } from "node:crypto";
import { SecretError } from "../../domain/secret-error.js";
import { type ColumnTypes, type Migration, migrations as storeMigrations } from "../../store/schema.js";
import { generationsByName } from "./generations-by-name.js";
import { SqliteConnection } from "./sqlite-connection.js";

const types: ColumnTypes = { integer: "INTEGER", text: "TEXT", bytes: "BLOB", clustered: " WITHOUT ROWID" };

/**
 * The store's, and what is done to a file only. From the second on revisions are counted by the log's own key, and the
 * counter in `store` stands still: a program that still counts there must not open the file, so it is told by a step it
 * does not know. The view shows the newest revision to whoever looks. The third keeps secrets in the order of their names.
 */
const migrations: readonly Migration[] = [
  ...storeMigrations,
  {
    version: 2,
    statements: () => [
      `CREATE VIEW latest_revision AS SELECT COALESCE((SELECT MAX(revision) FROM changes),
        (SELECT MAX(revision, compacted_revision) FROM store WHERE id = 1)) AS revision`,
    ],
  },
  { version: 3, statements: generationsByName },
];

const tableSql = `CREATE TABLE IF NOT EXISTS schema_migrations (
  version INTEGER PRIMARY KEY, digest TEXT NOT NULL, applied_at INTEGER NOT NULL)`;

/** Whether a schema may be brought up to date, rather than only checked. */
export interface MigrateOptions {
  readonly mayMigrate: boolean;
}

/**
 * Brings the schema up to date, each step in a transaction of its own.
 * @throws SecretError `CONFIG_INVALID` when the schema is newer than this program or is not what it was; nothing has
 * been changed then
 */
export function migrateSqlite(connection: SqliteConnection, path: string, { mayMigrate }: MigrateOptions): void {
  if (mayMigrate) connection.execute(tableSql);
  const applied = connection.all("SELECT version, digest FROM schema_migrations ORDER BY version");
  for (const [index, { version, digest }] of applied.entries()) {
    const known = migrations[index];
    if (known === undefined || known.version !== version) throw tooNew(path);
    if (digest !== digestOf(known)) throw changed(path, known.version);
  }
  assertUnchanged(connection, migrations.slice(0, applied.length), path);
  const missing = migrations.slice(applied.length);
  if (missing.length > 0 && !mayMigrate) throw tooOld(path);
  for (const migration of missing) apply(connection, migration);
  // Else the log of the writes would stay as large as what was moved.
  if (missing.length > 0) connection.execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

function apply(connection: SqliteConnection, migration: Migration): void {
  connection.execute("BEGIN IMMEDIATE");
  try {
    for (const statement of migration.statements(types)) connection.execute(statement);
    connection.run("INSERT INTO schema_migrations (version, digest, applied_at) VALUES (?, ?, ?)", [
      migration.version,
      digestOf(migration),
      Date.now(),
    ]);
    connection.execute("COMMIT");
  } catch (error) {
    connection.execute("ROLLBACK");
    throw error;
  }
}

/**
 * SQLite keeps the text of each definition, so a changed table or a dropped index shows: all that the same steps leave in
 * an empty database must be there.
 */
function assertUnchanged(connection: SqliteConnection, made: readonly Migration[], path: string): void {
  const last = made.at(-1);
  if (last === undefined) return;
  const found = new Set(definitionsIn(connection));
  if (!definitionsOf(made).every((definition) => found.has(definition))) throw changed(path, last.version);
}

function definitionsOf(made: readonly Migration[]): readonly string[] {
  const empty = new SqliteConnection(":memory:", { readOnly: false });
  try {
    for (const { statements } of made) for (const statement of statements(types)) empty.execute(statement);
    return definitionsIn(empty);
  } finally {
    empty.close();
  }
}

function definitionsIn(connection: SqliteConnection): readonly string[] {
  const rows = connection.all("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL");
  return rows.map(({ sql }) => (typeof sql === "string" ? oneLine(sql) : ""));
}

function oneLine(sql: string): string {
  return sql.replace(/\s+/gu, " ").trim();
}

function digestOf({ statements }: Migration): string {
  return createHash("sha256").update(statements(types).map(oneLine).join(";\n")).digest("hex");
}

function tooOld(path: string): SecretError {
  const message = `the store ${path} was written by an older version of the broker; start this one's broker once`;
  return new SecretError("CONFIG_INVALID", message);
}

function tooNew(path: string): SecretError {
  return new SecretError(
    "CONFIG_INVALID",
    `the store ${path} was written by a newer version of the broker; use that version`,
  );
}

function changed(path: string, version: number): SecretError {
  const message = `the schema of the store ${path} is not what migration ${String(version)} made; bring it back from a backup`;
  return new SecretError("CONFIG_INVALID", message);
}
