import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError } from "../../src/config/config-error.js";
import { loadConfig } from "../../src/config/load-config.js";
import { configOf, placesOf, problemsOf, withMemory } from "./config-text.js";

const hash = `sha256:${"0a".repeat(32)}`;

describe("secret_broker.listen with required metadata", () => {
  it.each([
    ['{ address: "127.0.0.1:0", require_metadata: true }', { kind: "tcp", host: "127.0.0.1", port: 0 }],
    ['{ address: "unix:/a.sock", require_metadata: true }', { kind: "unix", path: "/a.sock" }],
  ])("%s needs nothing else", (listen, address) => {
    const [found] = configOf(withMemory(`  listen: ${listen}\n`)).listen;
    expect(found).toEqual({ ...address, requiresMetadata: true });
  });

  it("goes with a principal, and does not make everyone prove something", () => {
    const text = withMemory('  listen: { address: "unix:/a.sock", principal: a, require_metadata: true }\n');
    const workload = { principal: "a", groups: [] };
    expect(configOf(text).listen).toEqual([{ kind: "unix", path: "/a.sock", workload, requiresMetadata: true }]);
    expect(configOf(withMemory('  listen: { address: "unix:a.sock", require_metadata: true }\n')).policies).toBe(
      undefined,
    );
  });

  it.each([
    ["{ address: unix:a.sock, require_metadata: false }", "principal is missing"],
    ["{ address: unix:a.sock, groups: [g], require_metadata: true }", "principal is missing"],
    ['{ address: "127.0.0.1:0", require_metadata: false }', "tls is missing"],
    ['{ address: "0.0.0.0:1", require_metadata: true }', "must have a loopback host"],
    ["{ address: unix:a.sock, require_metadata: yes please }", "require_metadata"],
  ])("%s is refused", (listen, message) => {
    expect(JSON.stringify(problemsOf(withMemory(`  listen: ${listen}\n`)))).toContain(message);
  });
});

describe("secret_broker.listen with the mode of a socket", () => {
  it.each([
    ['{ address: "unix:/a.sock", mode: "0660" }', { kind: "unix", path: "/a.sock", mode: 0o660 }],
    ['{ address: "unix:/a.sock", mode: "666" }', { kind: "unix", path: "/a.sock", mode: 0o666 }],
    [
      '{ address: "unix:/a.sock", principal: a, mode: "0600" }',
      { kind: "unix", path: "/a.sock", mode: 0o600, workload: { principal: "a", groups: [] } },
    ],
  ])("%s is taken", (listen, address) => {
    expect(configOf(withMemory(`  listen: ${listen}\n`)).listen).toEqual([address]);
  });

  it.each(["0660", "660", '"0760"', '"0661"', '"0466"', '"0677"', '"1660"', '"0o660"', '"660 "', '"-rw-rw----"', '""'])(
    "%s is refused",
    (mode) => {
      const problems = problemsOf(withMemory(`  listen: { address: "unix:a.sock", mode: ${mode} }\n`));
      expect(problems.map(({ message }) => message).join()).toMatch(/listen\.mode must be text in quotes from "0600"/u);
    },
  );

  it.each([
    ['{ address: "127.0.0.1:0", mode: "0660" }', "mode is for Unix sockets"],
    ['{ address: "unix:a.sock", groups: [g], mode: "0660" }', "principal is missing"],
  ])("%s is refused", (listen, message) => {
    expect(JSON.stringify(problemsOf(withMemory(`  listen: ${listen}\n`)))).toContain(message);
  });
});

describe("secret_broker.listen with a socket of one principal", () => {
  it("says whose it is", () => {
    const text = withMemory('  listen: ["127.0.0.1:0", { address: "unix:a.sock", principal: a, groups: [g] }]\n');
    expect(configOf(text).listen).toEqual([
      { kind: "tcp", host: "127.0.0.1", port: 0 },
      { kind: "unix", path: "/etc/broker/a.sock", workload: { principal: "a", groups: ["g"] } },
    ]);
  });

  it("denies by default, as soon as somebody is somebody", () => {
    expect(configOf(withMemory('  listen: [{ address: "unix:a.sock", principal: a }]\n')).policies).toEqual([]);
    expect(configOf(withMemory("  listen: unix:a.sock\n")).policies).toBeUndefined();
  });

  it.each([
    ['[{ address: "127.0.0.1:1", principal: a }]', "Unix socket"],
    ['[{ address: "unix:a.sock" }]', ""],
    ['[{ address: "unix:a.sock", principal: "" }]', ""],
    ['[{ address: "unix:a.sock", principal: a, colour: red }]', "unknown"],
    ['["unix:a.sock", { address: "unix:a.sock", principal: a }]', "twice"],
  ])("%s is refused", (listen, message) => {
    const problems = problemsOf(withMemory(`  listen: ${listen}\n`));
    expect(problems).not.toEqual([]);
    expect(problems[0]?.message).toContain(message);
  });
});

describe("secret_broker.authentication", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "secret-broker-authentication-"));
    writeFileSync(join(folder, "config.yaml"), withMemory("  authentication: { tokens: { file: tokens.yaml } }\n"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  async function load(tokens: string): Promise<readonly unknown[] | string> {
    writeFileSync(join(folder, "tokens.yaml"), tokens, { mode: 0o600 });
    try {
      return (await loadConfig(join(folder, "config.yaml"))).config.authentication?.tokens?.entries ?? [];
    } catch (error) {
      return error instanceof ConfigError ? error.message.replaceAll(`${folder}/`, "") : String(error);
    }
  }

  it("has the tokens of its file, and denies by default", async () => {
    const entry = `{ principal: p, hash: "${hash}", groups: [g], expires: "2030-01-01T00:00:00+01:00", note: n }`;
    expect(await load(`tokens: [${entry}]\n`)).toEqual([
      { principal: "p", hash, groups: ["g"], expiresAtMs: Date.parse("2029-12-31T23:00:00Z") },
    ]);
    expect(await load("")).toEqual([]);
    expect((await loadConfig(join(folder, "config.yaml"))).config.policies).toEqual([]);
  });

  it.each([
    ["tokens: [{ principal: p, hash: sbt_plain }]\n", /^tokens\.yaml:1:\d+: tokens\[0\]\.hash must be sha256:/u],
    [`tokens: [{ principal: p, hash: "${hash}", expires: soon }]\n`, /expires must be a time/u],
    [
      `tokens:\n- { principal: p, hash: "${hash}" }\n- { principal: q, hash: "${hash}" }\n`,
      /^tokens\.yaml:3:25: .*already/u,
    ],
    [`token: []\n`, /did you mean "tokens"/u],
    ["[]\n", /must be a mapping with tokens/u],
  ])("refuses the file %j where it is wrong", async (tokens, message) => {
    expect(await load(tokens)).toMatch(message);
  });

  it("never quotes what should have been a hash", async () => {
    expect(await load("tokens: [{ principal: p, hash: sbt_AAAASECRETAAAA }]\n")).not.toContain("SECRET");
  });

  it("needs the file", async () => {
    await expect(loadConfig(join(folder, "config.yaml"))).rejects.toThrow(/tokens\.yaml/u);
    expect(placesOf(withMemory("  authentication: {}\n"))).toEqual(["3:19 secret_broker.authentication"]);
  });
});
