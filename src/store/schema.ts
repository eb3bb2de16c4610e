/** What a database calls the types of the store's columns. */
export interface ColumnTypes {
  /** Whole numbers up to 2^53. */
  readonly integer: string;
  readonly text: string;
  readonly bytes: string;
  /** What follows a table that is kept in the order of its primary key, so that it needs no other index for it. */
  readonly clustered: string;
}

/** One step from one version of the schema to the next. Never changed once released. */
export interface Migration {
  /** From 1 upwards, without a gap. */
  readonly version: number;
  readonly statements: (types: ColumnTypes) => readonly string[];
}

/**
 * The store's tables, in every database; a file keeps some of them in another order, by steps of its own.
 *
 * `sort_key` is the name in UTF-16, most significant byte first: compared as bytes it sorts as JavaScript does, and names
 * are looked up by it. There are few indexes, as each is a page more in every commit. A
 * payload is there as long as its version is not destroyed. `changes` is what watchers resume from; the row of `store`
 * counts its revisions and keeps, sealed like a payload, the key that requests are recognised by: whoever cannot open it
 * has the wrong key.
 */
export const migrations: readonly Migration[] = [
  { version: 1, statements: (types) => [...secretTables(types), ...versionTables(types)] },
];

function secretTables({ integer, text, bytes, clustered }: ColumnTypes): readonly string[] {
  return [
    `CREATE TABLE store (
      id ${integer} PRIMARY KEY CHECK (id = 1),
      store_id ${text} NOT NULL,
      created_at ${integer} NOT NULL,
      revision ${integer} NOT NULL,
      compacted_revision ${integer} NOT NULL,
      digest_key_id ${text} NOT NULL,
      digest_wrapped_key ${bytes} NOT NULL,
      digest_ciphertext ${bytes} NOT NULL
    )`,
    `CREATE TABLE generations (
      uid ${text} PRIMARY KEY,
      name ${text} NOT NULL,
      sort_key ${bytes} NOT NULL,
      active_version ${integer},
      last_version ${integer} NOT NULL,
      description ${text},
      tags ${text},
      created_at ${integer} NOT NULL,
      updated_at ${integer} NOT NULL,
      changed_by ${text},
      deleted_at ${integer},
      restorable_until ${integer}
    )${clustered}`,
    "CREATE UNIQUE INDEX generations_live ON generations (sort_key) WHERE deleted_at IS NULL",
    "CREATE INDEX generations_deleted ON generations (sort_key, uid) WHERE deleted_at IS NOT NULL",
    "CREATE INDEX generations_due ON generations (restorable_until) WHERE deleted_at IS NOT NULL",
  ];
}

function versionTables({ integer, text, bytes, clustered }: ColumnTypes): readonly string[] {
  return [
    `CREATE TABLE versions (
      uid ${text} NOT NULL REFERENCES generations (uid) ON DELETE CASCADE,
      version ${integer} NOT NULL,
      created_at ${integer} NOT NULL,
      expires_at ${integer},
      destroyed_at ${integer},
      is_text ${integer} NOT NULL,
      key_id ${text},
      wrapped_key ${bytes},
      ciphertext ${bytes},
      PRIMARY KEY (uid, version)
    )${clustered}`,
    "CREATE INDEX versions_due ON versions (expires_at) WHERE expires_at IS NOT NULL AND destroyed_at IS NULL",
    `CREATE TABLE answered_requests (
      scope ${text} PRIMARY KEY,
      digest ${text} NOT NULL,
      answer ${text} NOT NULL,
      answered_at ${integer} NOT NULL
    )`,
    "CREATE INDEX answered_requests_age ON answered_requests (answered_at)",
    `CREATE TABLE changes (
      revision ${integer} PRIMARY KEY,
      kind ${text} NOT NULL,
      uid ${text} NOT NULL,
      name ${text} NOT NULL,
      changed_at ${integer} NOT NULL
    )`,
  ];
}
