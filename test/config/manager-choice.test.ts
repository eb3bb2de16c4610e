import { describe, expect, it } from "vitest";
import { configOf, load, placesOf, problemsOf, warningsOf } from "./config-text.js";

const custom = (classPath: string): string =>
  `general_settings:\n  key_management_system: custom\n  key_management_settings:\n    custom_secret_manager: ${classPath}\n`;
const system = (name: string): string => `general_settings:\n  key_management_system: ${name}\n`;
const systemPlace = "2:26 general_settings.key_management_system";
const classPlace = "4:28 general_settings.key_management_settings.custom_secret_manager";

describe("general_settings.key_management_system", () => {
  it("custom takes the class beside the file", () => {
    expect(configOf(custom("my_file.MyClass")).manager).toEqual({
      kind: "module",
      classPath: "my_file.MyClass",
      directory: "/etc/broker",
    });
  });

  it("local serves the broker's own environment", () => {
    const text = `${system("local")}  key_management_settings: { hosted_keys: [A] }\n`;
    expect(configOf(text).manager).toEqual({ kind: "environment", prefix: "" });
    expect(warningsOf(text)).toEqual([]);
  });

  it("local without hosted keys works, with a warning that says what it opens", () => {
    const { warnings } = load(system("local"));
    expect(warnings).toMatchObject([
      { line: 2, column: 26, message: expect.stringContaining("hosted_keys") as string },
    ]);
  });

  it.each([
    "google_kms",
    "azure_key_vault",
    "aws_secret_manager",
    "google_secret_manager",
    "hashicorp_vault",
    "cyberark",
    "aws_kms",
  ])("%s is LiteLLM's and not the broker's: refused with what to use", (name) => {
    expect(placesOf(system(name))).toEqual([systemPlace]);
    const [problem] = problemsOf(system(name));
    expect(problem?.message).toContain(name);
    expect(problem?.message).toContain('"custom" or "local"');
    expect(problem?.message).toContain("secret_broker.manager");
  });

  it("misspelt asks for what was meant", () => {
    expect(placesOf(system("custon"))).toEqual([systemPlace]);
    expect(problemsOf(system("custon"))[0]?.message).toContain('did you mean "custom"?');
    expect(problemsOf(system("nothing-like-it"))[0]?.message).toContain('"custom" or "local"');
  });

  it.each(["[custom]", "{ a: b }", "7", "true"])("%s is no string", (value) => {
    expect(placesOf(system(value))).toEqual([systemPlace]);
    expect(problemsOf(system(value))[0]?.message).toContain("must be a string");
  });

  it.each([
    ["no such key", "general_settings:\n  master_key: x\n", "2:3"],
    ["a key without a value", "general_settings:\n  key_management_system:\n", "2:25"],
    ["no general settings", "model_list: []\n", "1:1"],
    ["general settings without a value", "general_settings:\n", "1:18"],
  ])("missing (%s) is refused with the choices", (_case, text, at) => {
    expect(placesOf(text)).toEqual([`${at} general_settings.key_management_system`]);
    expect(problemsOf(text)[0]?.message).toContain("is missing");
    expect(problemsOf(text)[0]?.message).toContain('"custom" or "local"');
  });
});

describe("custom_secret_manager", () => {
  it.each([
    "Class",
    "pkg.file.Class",
    '""',
    '"."',
    '".Class"',
    '"file."',
    "a/b.Class",
    '"..\\\\b.Class"',
    '"../b.Class"',
  ])("%s is refused with an example", (classPath) => {
    expect(placesOf(custom(classPath))).toEqual([classPlace]);
    expect(problemsOf(custom(classPath))[0]?.message).toContain("my_secret_manager.InMemorySecretManager");
  });

  it.each(["7", "[a.B]", "{ a: b }", "true"])("%s is refused once, as no string", (value) => {
    expect(placesOf(custom(value))).toEqual([classPlace]);
    expect(problemsOf(custom(value))[0]?.message).toContain("must be a string");
  });

  it.each([
    ["without settings", system("custom"), "2:3"],
    ["with other settings", `${system("custom")}  key_management_settings:\n    access_mode: read_only\n`, "4:5"],
  ])("missing %s is refused with an example", (_case, text, at) => {
    expect(placesOf(text)).toEqual([`${at} general_settings.key_management_settings.custom_secret_manager`]);
    expect(problemsOf(text)[0]?.message).toContain("is missing");
  });
});

const defaultKey = { kind: "file", path: "/etc/broker/.secret-broker/secrets.key" };

describe("secret_broker.manager", () => {
  const own = (manager: string): string => `secret_broker:\n  manager: ${manager}\n`;

  it.each([
    ["{ kind: memory }", { kind: "memory" }],
    ["{ kind: environment, prefix: SECRET_ }", { kind: "environment", prefix: "SECRET_" }],
    ["{ kind: environment }", { kind: "environment", prefix: "" }],
    ["{ kind: sqlite }", { kind: "sqlite", path: "/etc/broker/.secret-broker/secrets.db", encryption: defaultKey }],
    [
      "{ kind: postgres, url_environment: URL }",
      {
        kind: "postgres",
        url: { variable: "URL" },
        schema: "secret_broker",
        maxConnections: 10,
        statementTimeoutMs: 5_000,
        encryption: defaultKey,
      },
    ],
    [
      "{ kind: postgres, url_file: url, schema: s, max_connections: 4, statement_timeout: 1s }",
      {
        kind: "postgres",
        url: { path: "/etc/broker/url" },
        schema: "s",
        maxConnections: 4,
        statementTimeoutMs: 1_000,
        encryption: defaultKey,
      },
    ],
    [
      "{ kind: process, command: [./m, --at, '{address}'] }",
      {
        kind: "process",
        command: ["./m", "--at", "{address}"],
        directory: "/etc/broker",
        environment: ["PATH"],
        instances: 1,
        startTimeoutMs: 30_000,
      },
    ],
    [
      "{ kind: process, command: [m], environment: [A, B], instances: 3, start_timeout: 5s }",
      {
        kind: "process",
        command: ["m"],
        directory: "/etc/broker",
        environment: ["A", "B"],
        instances: 3,
        startTimeoutMs: 5_000,
      },
    ],
    [
      "{ kind: remote, address: unix:m.sock }",
      {
        kind: "remote",
        addresses: [{ kind: "unix", path: "/etc/broker/m.sock" }],
        tls: undefined,
        startTimeoutMs: 30_000,
      },
    ],
    [
      "{ kind: remote, address: ['127.0.0.1:1', 'vault.example:2'], tls: { ca: ca.pem, certificate: c.pem, key: k.pem } }",
      {
        kind: "remote",
        addresses: [
          { kind: "tcp", host: "127.0.0.1", port: 1 },
          { kind: "tcp", host: "vault.example", port: 2 },
        ],
        tls: { caPath: "/etc/broker/ca.pem", certificatePath: "/etc/broker/c.pem", keyPath: "/etc/broker/k.pem" },
        startTimeoutMs: 30_000,
      },
    ],
    ["{ kind: module, class: a.B }", { kind: "module", classPath: "a.B", directory: "/etc/broker" }],
  ])("%s is chosen", (manager, expected) => {
    expect(configOf(own(manager)).manager).toEqual(expected);
  });

  it.each([custom("other.Class"), custom("not-a-path"), system("google_kms"), system("[what]"), system("custom")])(
    "wins over LiteLLM's choice, whatever that is",
    (litellm) => {
      expect(configOf(litellm + own("{ kind: memory }")).manager).toEqual({ kind: "memory" });
    },
  );

  it.each([
    ["{ kind: module }", "2:12 secret_broker.manager.class", "is missing"],
    ["{ kind: module, class: 3 }", "2:35 secret_broker.manager.class", "must be a string"],
    ["{ kind: module, class: Lonely }", "2:35 secret_broker.manager.class", "one dot"],
    ["{ kind: memory, prefix: A }", "2:28 secret_broker.manager.prefix", "kind"],
    ["{ kind: redis }", "2:20 secret_broker.manager.kind", '"module", "memory", "environment", "sqlite"'],
    ["{ kind: postgres }", "2:12 secret_broker.manager.url_environment", "is missing"],
    ["{ kind: postgres, url_file: f, url_environment: E }", "2:40 secret_broker.manager.url_file", "keep one of them"],
    ["{ kind: postgres, url_file: f, schema: Pg }", "2:51 secret_broker.manager.schema", "small letters"],
    ["{ kind: postgres, url_file: f, schema: pg_x }", "2:51 secret_broker.manager.schema", "not begin with"],
    ["{ kind: postgres, url_file: f, max_connections: 1 }", "2:60 secret_broker.manager.max_connections", "2"],
    ["{ kind: process }", "2:12 secret_broker.manager.command", "is missing"],
    ["{ kind: process, command: m }", "2:38 secret_broker.manager.command", "list"],
    ["{ kind: process, command: [] }", "2:38 secret_broker.manager.command", "1"],
    ["{ kind: process, command: [m], instances: 0 }", "2:54 secret_broker.manager.instances", "1"],
    ["{ kind: process, command: [m], environment: [A=b] }", "2:57 secret_broker.manager.environment[0]", "variable"],
    ["{ kind: remote }", "2:12 secret_broker.manager.address", "is missing"],
    ["{ kind: remote, address: 'vault.example:2' }", "2:37 secret_broker.manager.address", '"tls"'],
    ["{ kind: remote, address: '127.0.0.1:0' }", "2:37 secret_broker.manager.address", "port"],
    ["{ kind: remote, address: vault }", "2:37 secret_broker.manager.address", "HOST:PORT"],
    ["{ kind: remote, address: [unix:a, vault] }", "2:46 secret_broker.manager.address[1]", "HOST:PORT"],
    ["{ kind: remote, address: 'h:2', tls: { key: k } }", "2:49 secret_broker.manager.tls.certificate", "is missing"],
    ["{ class: a.B }", "2:12 secret_broker.manager.kind", '"module", "memory", "environment"'],
    ["memory", "2:12 secret_broker.manager", "must be a mapping"],
  ])("%s is refused", (manager, at, text) => {
    expect(placesOf(own(manager))).toEqual([at]);
    expect(problemsOf(own(manager))[0]?.message).toContain(text);
  });

  it("that is broken or misspelt leaves open what LiteLLM's settings lack", () => {
    expect(placesOf("secret_broker:\n  manger: { kind: memory }\n")).toEqual(["2:3 secret_broker.manger"]);
    expect(placesOf("secret_brokr:\n  manager: { kind: memory }\n")).toEqual(["1:1 secret_brokr"]);
    expect(placesOf("secret_broker: memory\n")).toEqual(["1:16 secret_broker"]);
  });

  it("that is right is seen beside what is broken", () => {
    const text = `secret_broker:\n  manager: { kind: memory }\n  listn: x\n`;
    expect(placesOf(text)).toEqual(["3:3 secret_broker.listn"]);
  });

  it("that is not there does not hide what LiteLLM's settings lack, whatever else is broken", () => {
    expect(placesOf("secret_broker:\n  metrics: 7\n")).toEqual([
      "1:1 general_settings.key_management_system",
      "2:12 secret_broker.metrics",
    ]);
  });
});
