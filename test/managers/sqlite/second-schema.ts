import { renameSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/** What the first two steps made, in their own words: they do not change with the program. */
const steps = `
CREATE TABLE schema_migrations (
  version INTEGER PRIMARY KEY, digest TEXT NOT NULL, applied_at INTEGER NOT NULL);
CREATE TABLE store (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      store_id TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      revision INTEGER NOT NULL,
      compacted_revision INTEGER NOT NULL,
      digest_key_id TEXT NOT NULL,
      digest_wrapped_key BLOB NOT NULL,
      digest_ciphertext BLOB NOT NULL
    );
CREATE TABLE generations (
      uid TEXT PRIMARY KEY,
      name TEXT NOT NULL,
      sort_key BLOB NOT NULL,
      active_version INTEGER,
      last_version INTEGER NOT NULL,
      description TEXT,
      tags TEXT,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      changed_by TEXT,
      deleted_at INTEGER,
      restorable_until INTEGER
    ) WITHOUT ROWID;
CREATE UNIQUE INDEX generations_live ON generations (sort_key) WHERE deleted_at IS NULL;
CREATE INDEX generations_deleted ON generations (sort_key, uid) WHERE deleted_at IS NOT NULL;
CREATE INDEX generations_due ON generations (restorable_until) WHERE deleted_at IS NOT NULL;
CREATE TABLE versions (
      uid TEXT NOT NULL REFERENCES generations (uid) ON DELETE CASCADE,
      version INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      expires_at INTEGER,
      destroyed_at INTEGER,
      is_text INTEGER NOT NULL,
      key_id TEXT,
      wrapped_key BLOB,
      ciphertext BLOB,
      PRIMARY KEY (uid, version)
    ) WITHOUT ROWID;
CREATE INDEX versions_due ON versions (expires_at) WHERE expires_at IS NOT NULL AND destroyed_at IS NULL;
CREATE TABLE answered_requests (
      scope TEXT PRIMARY KEY,
      digest TEXT NOT NULL,
      answer TEXT NOT NULL,
      answered_at INTEGER NOT NULL
    );
CREATE INDEX answered_requests_age ON answered_requests (answered_at);
CREATE TABLE changes (
      revision INTEGER PRIMARY KEY,
      kind TEXT NOT NULL,
      uid TEXT NOT NULL,
      name TEXT NOT NULL,
      changed_at INTEGER NOT NULL
    );
CREATE VIEW latest_revision AS SELECT COALESCE((SELECT MAX(revision) FROM changes),
        (SELECT MAX(revision, compacted_revision) FROM store WHERE id = 1)) AS revision;
INSERT INTO schema_migrations VALUES
  (1, '3fca92bf32333a74a1ebc6a3bbf1ee020a1cf00ebeddc5cff451d2b33ad3b892', 1),
  (2, '716f3e926bc61b630e8944cfa87be24ff52596420ec223ca63b4b421cdb32105', 2);
`;

const tables = ["store", "generations", "versions", "answered_requests", "changes"];

/** Makes a closed store what the program of the second step would have left: the same rows in the tables of that time. */
export function toSecondSchema(path: string): void {
  renameSync(path, `${path}.new`);
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode = WAL; ${steps}`);
  database.exec(`ATTACH '${path}.new' AS new; BEGIN`);
  for (const table of tables) {
    const rows = database.prepare(`PRAGMA table_info(${table})`).all();
    const columns = rows.map(({ name }) => String(name)).join(", ");
    database.exec(`INSERT INTO main.${table} (${columns}) SELECT ${columns} FROM new.${table}`);
  }
  database.exec("COMMIT; DETACH new");
  database.close();
  rmSync(`${path}.new`);
}

/** All rows of a closed store, by table; each in an order that is the same whatever the layout. */
export function rowsOf(path: string): Readonly<Record<string, readonly unknown[]>> {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const all = (sql: string): readonly unknown[] => database.prepare(sql).all();
    return {
      store: all("SELECT * FROM store"),
      generations: all("SELECT * FROM generations ORDER BY uid"),
      versions: all("SELECT * FROM versions ORDER BY uid, version"),
      answered_requests: all("SELECT * FROM answered_requests ORDER BY scope"),
      changes: all("SELECT * FROM changes ORDER BY revision"),
      steps: all("SELECT version FROM schema_migrations ORDER BY version"),
    };
  } finally {
    database.close();
  }
}
