import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { PayloadCipher, Sealed } from "#built/encryption/payload-cipher.js";
import { SqliteDatabase } from "#built/managers/sqlite/sqlite-database.js";
import { sortKey } from "#built/store/generations.js";

const durable = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL";
/** As the store has it. */
const storeSettings = "PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -4000";

/** Durable writes by statements prepared by hand, and nothing else. */
export class BareWrites {
  readonly #cipher: PayloadCipher;
  readonly #bare: DatabaseSync;
  readonly #like: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #insertAll: readonly [StatementSync, StatementSync, StatementSync];

  constructor(directory: string, cipher: PayloadCipher) {
    this.#cipher = cipher;
    this.#bare = new DatabaseSync(join(directory, "bare.db"));
    this.#bare.exec(durable);
    this.#bare.exec("CREATE TABLE secrets (id INTEGER PRIMARY KEY, name TEXT, value BLOB)");
    this.#insert = this.#bare.prepare("INSERT INTO secrets (name, value) VALUES (?, ?)");
    const path = join(directory, "like-the-store.db");
    // Makes the schema.
    void new SqliteDatabase(path).close();
    this.#like = new DatabaseSync(path, { enableForeignKeyConstraints: false });
    this.#like.exec(`${durable}; ${storeSettings}`);
    this.#insertAll = [
      this.#like.prepare(`INSERT INTO generations (name, sort_key, uid, active_version, last_version, created_at,
        updated_at) VALUES (?, ?, ?, 1, 1, ?, ?)`),
      this.#like.prepare(`INSERT INTO versions (uid, version, created_at, is_text, key_id, wrapped_key, ciphertext)
        VALUES (?, 1, ?, 1, ?, ?, ?)`),
      this.#like.prepare("INSERT INTO changes (kind, uid, name, changed_at) VALUES ('changed', ?, ?, ?)"),
    ];
  }

  /** What a row of the store is at least: a name and as many bytes. */
  insert(name: string, value: string): void {
    this.#insert.run(name, Buffer.from(value));
  }

  /** New secrets in the tables of the store, by one transaction. */
  insertGroup(names: readonly string[], value: string): void {
    const [generations, versions, changes] = this.#insertAll;
    this.#like.exec("BEGIN IMMEDIATE");
    for (const name of names) {
      const nowMs = Date.now();
      const uid = `${nowMs.toString(16)}-${randomUUID().slice(9)}`;
      const { keyId, wrappedKey, ciphertext } = this.#seal(uid, name, value);
      generations.run(name, sortKey(name), uid, nowMs, nowMs);
      versions.run(uid, nowMs, keyId, wrappedKey, ciphertext);
      changes.run(uid, name, nowMs);
    }
    this.#like.exec("COMMIT");
  }

  close(): void {
    this.#bare.close();
    this.#like.close();
  }

  #seal(uid: string, name: string, value: string): Sealed {
    const binding = { storeId: "bench", uid, name, version: 1, isText: true };
    const sealed = this.#cipher.seal(binding, Buffer.from(value));
    if ("then" in sealed) throw new TypeError("local keys answer at once");
    return sealed;
  }
}
