import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type MigrationTarget, migratePostgres } from "../../../src/managers/postgres/migrate-postgres.js";
import { openSession } from "../../../src/managers/postgres/open-session.js";
import { openPostgresDatabase } from "../../../src/managers/postgres/postgres-database.js";
import { settingsOf } from "../../../src/managers/postgres/postgres-options.js";
import { type Migration, migrations } from "../../../src/store/schema.js";
import { isPostgresMissing, titleOf } from "./postgres-programs.js";
import { PostgresServerProcess } from "./start-postgres.js";
import { failureOf, insert, keysOf, range } from "./tables.js";

const next: Migration = {
  version: migrations.length + 1,
  statements: ({ text }) => [`ALTER TABLE answered_requests ADD COLUMN added ${text}`],
};

describe.skipIf(isPostgresMissing)(titleOf("migrations on PostgreSQL"), () => {
  let server: PostgresServerProcess;

  beforeAll(async () => {
    server = await PostgresServerProcess.start();
  });

  afterAll(async () => {
    await server.remove();
  });

  async function migrate(schema: string, chosen?: readonly Migration[]): Promise<void> {
    const settings = settingsOf({ server: server.url(), schema });
    const connection = await openSession({ driver: postgres, settings });
    const target: MigrationTarget = { schema, description: "it", ...(chosen && { migrations: chosen }) };
    await migratePostgres(connection, target).finally(() => connection.close());
  }

  /** All that migrations could change. */
  async function contentOf(schema: string): Promise<string> {
    const columns = `SELECT table_name, column_name, data_type FROM information_schema.columns
      WHERE table_schema = '${schema}' ORDER BY 1, 2`;
    return (await server.sql(columns)) + (await server.sql(`SELECT * FROM ${schema}.schema_migrations`));
  }

  it("takes turns when many brokers start at once", async () => {
    const options = { server: server.url(), schema: "at_once" };
    const databases = await Promise.all(range(8).map(() => openPostgresDatabase(options)));
    expect(await server.sql("SELECT version FROM at_once.schema_migrations")).toBe(
      migrations.map(({ version }) => String(version)).join("\n"),
    );
    await Promise.all(databases.map((database) => database.close()));
  });

  it("sorts and compares text byte by byte, as an index must not depend on the machine", async () => {
    const sql = `SELECT count(*) FROM information_schema.columns
      WHERE table_schema = 'at_once' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'`;
    expect(await server.sql(sql)).toBe("0");
  });

  it("adds what is new, while a broker of the version before goes on", async () => {
    const old = await openPostgresDatabase({ server: server.url(), schema: "rolling" });
    await old.transact((transaction) => insert(transaction, "before"));
    await migrate("rolling", [...migrations, next]);
    await old.transact((transaction) => insert(transaction, "after"));
    expect(await keysOf(old)).toStrictEqual(["after", "before"]);
    await old.close();
  });

  it("refuses a schema of a newer version, and changes nothing", async () => {
    const before = await contentOf("rolling");
    const failure = await failureOf(openPostgresDatabase({ server: server.url(), schema: "rolling" }));
    expect(failure).toMatchObject({ reason: "CONFIG_INVALID" });
    expect(String(failure)).toContain("newer version of the broker");
    expect(await contentOf("rolling")).toBe(before);
  });

  it("refuses a schema whose migrations are not what they were, and changes nothing", async () => {
    await migrate("changed", [...migrations, next]);
    const before = await contentOf("changed");
    const other: Migration = { ...next, statements: () => ["ALTER TABLE answered_requests ADD COLUMN other text"] };
    const later: Migration = { version: next.version + 1, statements: () => ["CREATE TABLE later (x bigint)"] };
    const failure = await failureOf(migrate("changed", [...migrations, other, later]));
    expect(failure).toMatchObject({ reason: "CONFIG_INVALID" });
    expect(String(failure)).toContain(`migration ${String(next.version)}`);
    expect(await contentOf("changed")).toBe(before);
  });

  it("does a migration whole or not at all", async () => {
    const broken: Migration = {
      ...next,
      statements: (types) => [...next.statements(types), "CREATE TABLE store (x bigint)"],
    };
    await migrate("broken");
    const before = await contentOf("broken");
    expect(await failureOf(migrate("broken", [...migrations, broken]))).toMatchObject({ code: "42P07" });
    expect(await contentOf("broken")).toBe(before);
  });

  it("needs no right to create anything once the schema is there", async () => {
    await migrate("prepared");
    await server.sql("CREATE ROLE broker LOGIN");
    await server.sql("GRANT USAGE ON SCHEMA prepared TO broker");
    await server.sql("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA prepared TO broker");
    const url = `postgres://broker@127.0.0.1:${String(server.port)}/postgres`;
    const database = await openPostgresDatabase({ server: url, schema: "prepared" });
    await database.transact((transaction) => insert(transaction, "allowed"));
    await database.purge();
    await database.close();
    const failure = await failureOf(openPostgresDatabase({ server: url, schema: "not_prepared" }));
    expect(failure).toMatchObject({ reason: "CONFIG_INVALID" });
    expect(String(failure)).toContain("does not permit the user to do this");
  });

  it("refuses a database that cannot keep every name", async () => {
    await server.sql("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'");
    const failure = await failureOf(openPostgresDatabase({ server: server.url("latin") }));
    expect(failure).toMatchObject({ reason: "CONFIG_INVALID" });
    expect(String(failure)).toContain("create it with UTF8");
    expect(await server.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'secret_broker'", "latin")).toBe("0");
  });
});
