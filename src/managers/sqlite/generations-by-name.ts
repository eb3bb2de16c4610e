import type { ColumnTypes } from "../../store/schema.js";

const columns = [
  ...["name", "sort_key", "uid", "active_version", "last_version", "description", "tags"],
  ...["created_at", "updated_at", "changed_by", "deleted_at", "restorable_until"],
].join(", ");

/**
 * Keeps `generations` in the order of the names, and in that of the uids no more: living ones are in no other tree. That
 * one of a name lives at a time is up to the writer, of which there is one. The indexes go first, so that the copy is
 * written where they were.
 */
export function generationsByName({ integer, text, bytes, clustered }: ColumnTypes): readonly string[] {
  return [
    "DROP INDEX generations_live",
    "DROP INDEX generations_deleted",
    `CREATE TABLE generations_by_name (
      name ${text} NOT NULL,
      sort_key ${bytes} NOT NULL,
      uid ${text} NOT NULL,
      active_version ${integer},
      last_version ${integer} NOT NULL,
      description ${text},
      tags ${text},
      created_at ${integer} NOT NULL,
      updated_at ${integer} NOT NULL,
      changed_by ${text},
      deleted_at ${integer},
      restorable_until ${integer},
      PRIMARY KEY (sort_key, uid)
    )${clustered}`,
    `INSERT INTO generations_by_name (${columns}) SELECT ${columns} FROM generations ORDER BY sort_key, uid`,
    "DROP TABLE generations",
    "ALTER TABLE generations_by_name RENAME TO generations",
    "CREATE INDEX generations_deleted ON generations (sort_key, uid) WHERE deleted_at IS NOT NULL",
    "CREATE INDEX generations_due ON generations (restorable_until) WHERE deleted_at IS NOT NULL",
  ];
}
