import { describe, expect, it } from "vitest";
import { parsePostgresUrl } from "../../../src/managers/postgres/parse-postgres-url.js";
import { describeServer } from "../../../src/managers/postgres/postgres-server.js";
import { settingsOf } from "../../../src/managers/postgres/postgres-options.js";

function refusalOf(work: () => unknown): string {
  try {
    work();
    return "accepted";
  } catch (error) {
    expect(error).toMatchObject({ reason: "CONFIG_INVALID" });
    return String(error);
  }
}

describe("a connection URL", () => {
  it("is read as libpq reads it", () => {
    expect(
      parsePostgresUrl("postgresql://us%40er:p%2Fw%3A%25@db.example:6543/my%20db?sslmode=verify-full"),
    ).toMatchObject({
      hosts: [{ host: "db.example", port: 6543 }],
      database: "my db",
      user: "us@er",
      password: "p/w:%",
      tlsMode: "verify-full",
    });
  });

  it("may leave out all but the user", () => {
    expect(parsePostgresUrl("postgres://app@")).toStrictEqual({
      hosts: [{ host: "localhost", port: 5432 }],
      database: "app",
      user: "app",
      password: undefined,
      tlsMode: "prefer",
      tlsFiles: { rootPath: undefined, certificatePath: undefined, keyPath: undefined },
      applicationName: undefined,
    });
  });

  it.each([
    ["postgres://u@a:1,b,[::1]:3/d?port=9", "a:1,b:9,[::1]:3/d"],
    ["postgres://u@%2Frun%2Fpostgresql/d", "/run/postgresql:5432/d"],
    ["postgres:///d?host=/run/postgresql&user=u", "/run/postgresql:5432/d"],
    ["postgres://10.0.0.1?user=u&dbname=d", "10.0.0.1:5432/d"],
  ])("%s is %s", (url, description) => {
    expect(describeServer(parsePostgresUrl(url))).toBe(description);
  });

  it.each([
    "mysql://u:s3cr3t@h/d",
    "u:s3cr3t@h/d",
    "postgres://u:s3cr3t/slash@h/d",
    "postgres://u:s3cr3t@at@h/d",
    "postgres://u:s3cr3t%@h/d",
    "postgres://:s3cr3t@h/d",
    "postgres://u:s3cr3t@h:s3cr3t/d",
    "postgres://u:s3cr3t@h:0/d",
    "postgres://u:s3cr3t@h:65536/d",
    "postgres://u:s3cr3t@a,,b/d",
    "postgres://u:s3cr3t@h/d?sslmode=s3cr3t",
    "postgres://u:s3cr3t@h/d?s3cr3t=1",
    "postgres://u@h/d?pasword=s3cr3t",
    "postgres://u:s3cr3t@h/d?target_session_attrs=standby",
    "postgres://u:s3cr3t@h/d#s3cr3t",
  ])("is refused without being quoted: %s", (url) => {
    const refusal = refusalOf(() => parsePostgresUrl(url));
    expect(refusal).toContain("the database's url");
    expect(refusal).not.toContain("s3cr3t");
  });
});

describe("options of a database", () => {
  it.each([
    ["schema", { schema: 'x"; DROP' }],
    ["schema", { schema: "Public" }],
    ["schema", { schema: "pg_temp" }],
    ["schema", { schema: "a".repeat(64) }],
    ["maxConnections", { maxConnections: 1 }],
    ["maxConnections", { maxConnections: 2.5 }],
    ["statementTimeoutMs", { statementTimeoutMs: 0 }],
    ["lockTimeoutMs", { lockTimeoutMs: Number.NaN }],
    ["connectTimeoutMs", { connectTimeoutMs: 2 ** 31 }],
    ["pollIntervalMs", { pollIntervalMs: -1 }],
  ])("%s is checked: %o", (option, options) => {
    expect(refusalOf(() => settingsOf({ server: "postgres://u@h/d", ...options }))).toContain(`"${option}"`);
  });
});
