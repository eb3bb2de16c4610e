import { execFileSync } from "node:child_process";
import { chownSync, copyFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openPostgresDatabase } from "../../../src/managers/postgres/postgres-database.js";
import type { PostgresServer } from "../../../src/managers/postgres/postgres-server.js";
import { readBlocks } from "../../docs/markdown.js";
import { storeCall } from "../../store/store-call.js";
import { openPostgresStore } from "./open-postgres-store.js";
import { isPostgresMissing, titleOf } from "./postgres-programs.js";
import { PostgresServerProcess, superuserPassword } from "./start-postgres.js";
import { failureOf, insert, keysOf } from "./tables.js";

describe.skipIf(isPostgresMissing)(titleOf("connecting to a PostgreSQL with passwords and TLS"), () => {
  let server: PostgresServerProcess;
  let certificates: string;

  beforeAll(async () => {
    server = await PostgresServerProcess.start({ authentication: "scram-sha-256" });
    certificates = mkdtempSync(join(tmpdir(), "certificates-"));
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    const files = ["-keyout", join(certificates, "server.key"), "-out", join(certificates, "server.crt")];
    const made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject, ...files];
    execFileSync("openssl", made, { stdio: "ignore" });
    const { uid, gid } = statSync(server.dataFolder);
    for (const file of ["server.key", "server.crt"]) {
      copyFileSync(join(certificates, file), join(server.dataFolder, file));
      chownSync(join(server.dataFolder, file), uid, gid);
    }
    await server.sql("ALTER SYSTEM SET ssl = on");
    await server.sql("SELECT pg_reload_conf()");
    await vi.waitFor(async () => expect(await server.sql("SHOW ssl")).toBe("on"));
  });

  afterAll(async () => {
    await server.remove();
    rmSync(certificates, { recursive: true });
  });

  function at(host: string, more: Partial<PostgresServer> = {}): PostgresServer {
    const hosts = [{ host, port: server.port }];
    return { hosts, database: "postgres", user: "admin", password: superuserPassword, ...more };
  }

  async function isEncrypted(chosen: PostgresServer): Promise<unknown> {
    const database = await openPostgresDatabase({ server: chosen });
    try {
      const sql = "SELECT ssl AS is_encrypted FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
      return (await database.read((session) => session.all(sql)))[0]?.["is_encrypted"];
    } finally {
      await database.close();
    }
  }

  it("logs in with a password, through a URL, an object and a Unix socket", async () => {
    for (const chosen of [server.url(), at("127.0.0.1"), at(server.socketFolder)]) {
      const database = await openPostgresDatabase({ server: chosen });
      expect(await database.isHealthy()).toBe(true);
      await database.close();
    }
  });

  it("is set up as docs/postgres.md says, with a role that owns the schema and one that only uses it", async () => {
    for (const statement of documentedSql("setup.sql")) await server.sql(statement);
    const roles = { secret_broker: "choose-one", broker: "used" };
    const ofRole = (user: keyof typeof roles): { server: PostgresServer } => ({
      server: at("127.0.0.1", { user, password: roles[user], database: "secrets" }),
    });
    const owning = await openPostgresStore(ofRole("secret_broker"));
    await owning.writeSecret("KEY", "placeholder", {}, storeCall());
    await owning.close();
    await server.sql("CREATE ROLE broker LOGIN PASSWORD 'used'");
    for (const statement of documentedSql("rights.sql")) await server.sql(statement, "secrets");
    const using = await openPostgresStore(ofRole("broker"));
    expect(await using.readSecret("KEY")).toMatchObject({ value: "placeholder" });
    await using.writeSecret("KEY", "other", {}, storeCall());
    await using.destroySecret("KEY", { version: 1 }, storeCall());
    expect((await using.describeSecret("KEY"))?.versions).toHaveLength(2);
    await using.close();
  });

  it("says that a password is wrong, and never which", async () => {
    const failure = await failureOf(openPostgresDatabase({ server: at("127.0.0.1", { password: "wr0ng-Passw0rd" }) }));
    expect(failure).toMatchObject({ reason: "CONFIG_INVALID" });
    expect(String(failure)).toContain("refuses the user or the password");
    expect(inspect(failure, { depth: 10, showHidden: true })).not.toContain("wr0ng-Passw0rd");
  });

  it("says that a database is not there, and that a server is not", async () => {
    const missing = await failureOf(openPostgresDatabase({ server: server.url("no_such_database") }));
    expect(missing).toMatchObject({ reason: "CONFIG_INVALID" });
    const nobody = { ...at("127.0.0.1"), hosts: [{ host: "127.0.0.1", port: 1 }] };
    const failure = await failureOf(openPostgresDatabase({ server: nobody }));
    expect(failure).toMatchObject({ reason: "MANAGER_UNAVAILABLE", retryAfterMs: 1_000 });
    for (const each of [missing, failure]) {
      expect(inspect(each, { depth: 10, showHidden: true })).not.toContain(superuserPassword);
    }
  });

  it("follows a password that is replaced", async () => {
    let password = "first";
    await server.sql("CREATE ROLE app LOGIN SUPERUSER PASSWORD 'first'");
    const url = (): string => `postgres://app:${password}@127.0.0.1:${String(server.port)}/postgres`;
    const database = await openPostgresDatabase({ server: url, schema: "replaced" });
    await database.transact((transaction) => insert(transaction, "before"));
    await server.sql("ALTER ROLE app PASSWORD 'second'");
    await server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'");
    await expect.poll(() => failureOf(keysOf(database))).toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    password = "second";
    await expect.poll(() => keysOf(database).catch(() => undefined)).toStrictEqual(["before"]);
    await database.close();
  });

  it("encrypts as sslmode says", async () => {
    expect(await isEncrypted(at("127.0.0.1", { tlsMode: "disable" }))).toBe(0);
    expect(await isEncrypted(at("127.0.0.1", { tlsMode: "prefer" }))).toBe(1);
    expect(await isEncrypted(at("127.0.0.1", { tlsMode: "require" }))).toBe(1);
    expect(await isEncrypted(at(server.socketFolder, { tlsMode: "verify-full" }))).toBe(0);
  });

  it("checks the server's certificate and name as sslmode says", async () => {
    const tlsFiles = { rootPath: join(certificates, "server.crt") };
    expect(await isEncrypted(at("localhost", { tlsMode: "verify-full", tlsFiles }))).toBe(1);
    expect(await isEncrypted(at("127.0.0.1", { tlsMode: "verify-ca", tlsFiles }))).toBe(1);
    const impostors = [
      at("127.0.0.1", { tlsMode: "verify-full", tlsFiles }),
      at("localhost", { tlsMode: "verify-full" }),
      at("localhost", { tlsMode: "verify-ca" }),
    ];
    for (const impostor of impostors) {
      expect(await failureOf(openPostgresDatabase({ server: impostor }))).toMatchObject({
        reason: "MANAGER_UNAVAILABLE",
      });
    }
    const unreadable = at("localhost", { tlsMode: "require", tlsFiles: { rootPath: join(certificates, "none") } });
    expect(await failureOf(openPostgresDatabase({ server: unreadable }))).toMatchObject({ reason: "CONFIG_INVALID" });
  });

  it("survives a server that is killed while connections are encrypted", async () => {
    const database = await openPostgresDatabase({ server: at("127.0.0.1", { tlsMode: "require" }) });
    const work = database.transact(async (transaction) => {
      await insert(transaction, "killed");
      await server.stop("SIGKILL");
      await insert(transaction, "never");
    });
    expect(await failureOf(work)).toMatchObject({ reason: "MANAGER_UNAVAILABLE", metadata: {} });
    await server.restart();
    await expect.poll(() => keysOf(database).catch(() => undefined)).toStrictEqual([]);
    await database.close();
  });
});

/** The statements of a block of the document. */
function documentedSql(title: string): readonly string[] {
  const block = readBlocks("docs/postgres.md").find((one) => one.title === title);
  return (block?.code ?? "").split(/;\s*/u).filter((statement) => statement !== "");
}
