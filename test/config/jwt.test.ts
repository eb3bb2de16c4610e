import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError } from "../../src/config/config-error.js";
import type { JwtIssuerConfig } from "../../src/config/jwt-config.js";
import { loadConfig } from "../../src/config/load-config.js";
import { configOf, load, placesOf, problemsOf, warningsOf, withMemory } from "./config-text.js";

const basic = "issuer: https://a.example, audiences: [me]";
const textOf = (...issuers: readonly string[]): string =>
  withMemory(`  authentication:\n    jwt:\n${issuers.map((each) => `      - { ${each} }\n`).join("")}`);
const read = (...issuers: readonly string[]): readonly JwtIssuerConfig[] =>
  configOf(textOf(...issuers)).authentication?.jwt ?? [];
const messagesOf = (...issuers: readonly string[]): readonly string[] =>
  problemsOf(textOf(...issuers)).map(({ message, line }) => `${String(line)}: ${message}`);

describe("secret_broker.authentication.jwt", () => {
  it("needs an issuer and its audiences, and has safe defaults", () => {
    expect(read(basic)).toEqual([
      {
        issuer: "https://a.example",
        audiences: ["me"],
        keys: {
          ...{ kind: "discovery", url: "https://a.example/.well-known/openid-configuration" },
          ...{ caFile: undefined, bearerTokenFile: undefined },
          ...{ refreshIntervalMs: 600_000, refetchCooldownMs: 30_000, maxStaleMs: 86_400_000, fetchTimeoutMs: 5_000 },
        },
        algorithms: expect.not.arrayContaining(["HS256"]) as unknown,
        principal: { kind: "template", parts: [{ claim: ["sub"] }] },
        ...{ groupsClaim: undefined, groupsPrefix: "", requiredClaims: [] },
        ...{ clockToleranceMs: 30_000, maxLifetimeMs: 86_400_000, maxAgeMs: 8_784 * 3_600_000 },
      },
    ]);
    expect(configOf(textOf(basic)).policies).toEqual([]);
    expect(configOf(textOf(basic)).authentication?.tokens).toBeUndefined();
  });

  it("finds claims by name or pointer, and makes principals of them", () => {
    const claims = "groups_claim: /a~1b/c~0d, required_claims: { a.b: x, /c/d: [1, true] }";
    expect(read(`${basic}, principal: "p:{sub}/{/x/y}", ${claims}`)).toMatchObject([
      {
        principal: { parts: [{ text: "p:" }, { claim: ["sub"] }, { text: "/" }, { claim: ["x", "y"] }] },
        groupsClaim: ["a/b", "c~d"],
        requiredClaims: [
          { path: ["a.b"], values: ["x"] },
          { path: ["c", "d"], values: [1, true] },
        ],
      },
    ]);
  });

  it.each([
    "jwks_url: https://a.example/keys",
    "jwks_url: http://127.0.0.1:1/keys",
    "jwks_url: http://localhost/keys",
    'jwks_url: "http://[::1]:1/keys"',
    "discovery_url: https://a.example/x",
    "kubernetes: true",
    "algorithms: [RS256, EdDSA]",
  ])("takes %s", (setting) => {
    expect(problemsOf(textOf(`${basic}, ${setting}`))).toEqual([]);
  });

  it.each([
    ["jwks_url: http://a.example/keys", "must be an https URL"],
    ["jwks_url: http://127.0.0.1.example/keys", "must be an https URL"],
    ["jwks_url: http://0x7f.1.example/keys", "must be an https URL"],
    ["jwks_url: https://u:p@a.example/keys", "without a user, password"],
    ["jwks_url: file:///etc/keys.json", "must be an https URL"],
    ["jwks_url: keys", "must be an https URL"],
    ["algorithms: [HS256]", 'must be one of "RS256"'],
    ["algorithms: [none]", 'must be one of "RS256"'],
    ["algorithms: []", "must be at least 1"],
    ["principal: app", "must name a claim"],
    ['principal: "{sub}{aud}"', "must have a text between two claims"],
    ['principal: "{sub"', "must have the name of a claim in each pair of braces"],
    ['principal: "{}"', "must have the name of a claim in each pair of braces"],
    ['principal: "x:{sub}", kubernetes: true', "cannot go with kubernetes: true"],
    ["jwks_url: https://a.example/k, jwks_file: k.json", "cannot go with jwks_url; keep one"],
    ["jwks_file: k.json, discovery_url: https://a.example/d", "cannot go with jwks_file; keep one"],
    ["jwks_file: k.json, ca_file: ca.pem", "is not used with jwks_file"],
    ["jwks_file: k.json, bearer_token_file: t", "is not used with jwks_file"],
    ["max_stale: 1m", "must be at least refresh_interval"],
    ["clock_tolerance: 1h", "must be a duration with its unit (ms, s, m, h) from 0s to 5m"],
    ["fetch_timeout: 0s", "from 100ms to 30s"],
    ["max_lifetime: 0s", "from 1m to 8784h"],
    ["required_claims: { a: [] }", ""],
    ["required_claims: { a: { b: 1 } }", ""],
    ["audience: [me]", 'did you mean "audiences"'],
  ])("refuses %s, with its place", (setting, message) => {
    const [problem] = messagesOf(`${basic}, ${setting}`);
    expect(problem).toMatch(/^5: /u);
    expect(problem).toContain(message);
  });

  it("needs a place for keys that can be trusted, where the issuer is none", () => {
    expect(messagesOf("issuer: my-issuer, audiences: [me]")).toEqual([
      expect.stringContaining("issuer must be an https URL to find its keys by; or say where they are"),
    ]);
    expect(messagesOf("issuer: my-issuer, audiences: [me], jwks_url: https://a.example/keys")).toEqual([]);
    expect(messagesOf("issuer: https://a.example, audiences: []")).not.toEqual([]);
    expect(placesOf(textOf("issuer: https://a.example"))).toEqual([
      "5:9 secret_broker.authentication.jwt[0].audiences",
    ]);
  });

  it("keeps the callers of several issuers apart", () => {
    const other = "issuer: https://b.example, audiences: [me]";
    expect(placesOf(textOf(basic, `${other}, kubernetes: true`))).toEqual([
      "5:9 secret_broker.authentication.jwt[0].principal",
    ]);
    expect(messagesOf(`${basic}, principal: "a:{sub}"`, `${other}, principal: "{sub}"`)).toEqual([]);
    expect(messagesOf(`${basic}, kubernetes: true`, `${basic}, kubernetes: true`)).toEqual([
      expect.stringMatching(/^6: .*stands twice in the list/u),
    ]);
  });
});

describe("an issuer beside other ways to prove who calls", () => {
  const tokens = "    tokens: { file: tokens.yaml }\n";
  const socket = '  listen: [{ address: "unix:a.sock", principal: a }]\n';
  const certificates = "    certificates: { trust_domains: [a.example] }\n";
  const asking = '  listen: [{ address: "0.0.0.0:1", tls: { certificate: c, key: k, client_ca: a } }]\n';

  it.each([
    [basic, tokens, "5:9 secret_broker.authentication.jwt[0].principal"],
    [basic, socket, "5:9 secret_broker.authentication.jwt[0].principal"],
    [basic, certificates + asking, "5:9 secret_broker.authentication.jwt[0].principal"],
    [`${basic}, principal: "{sub}"`, tokens, "5:66 secret_broker.authentication.jwt[0].principal"],
    [`${basic}, principal: "{sub}/{azp}"`, tokens, "5:66 secret_broker.authentication.jwt[0].principal"],
  ])("%s is warned of with %j", (issuer, other, place) => {
    expect(warningsOf(textOf(issuer) + other)).toEqual([place]);
  });

  it("is told whose principals it can make, and the fix", () => {
    const message = load(textOf(basic) + tokens + socket)
      .warnings.map((warning) => warning.message)
      .join();
    expect(message).toContain("the principal of a token of the tokens file or a socket; begin it with a text");
    expect(message).toContain('such as "oidc:{sub}"');
  });

  it.each([
    [basic, ""],
    [basic, "  listen: [unix:a.sock]\n"],
    [`${basic}, principal: "oidc:{sub}"`, tokens + socket],
    [`${basic}, principal: "{sub}@a.example"`, tokens],
    [`${basic}, kubernetes: true`, tokens],
  ])("%s is fine with %j", (issuer, other) => {
    expect(warningsOf(textOf(issuer) + other)).toEqual([]);
  });
});

describe("the files of an issuer", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "secret-broker-jwt-"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  async function loadWith(setting: string, files: Readonly<Record<string, string>>): Promise<string> {
    writeFileSync(join(folder, "config.yaml"), textOf(`${basic}, ${setting}`));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    try {
      const [issuer] = (await loadConfig(join(folder, "config.yaml"))).config.authentication?.jwt ?? [];
      return issuer?.keys.kind === "file" ? issuer.keys.text : "loaded";
    } catch (error) {
      return error instanceof ConfigError ? error.message.replaceAll(`${folder}/`, "") : String(error);
    }
  }

  const key = { kty: "EC", crv: "P-256", x: "AA", y: "AA" };
  const setOf = (...keys: readonly unknown[]): string => JSON.stringify({ keys });

  it("are read with the configuration", async () => {
    expect(await loadWith("jwks_file: k.json", { "k.json": setOf(key) })).toBe(setOf(key));
    const files = { "ca.pem": "-----BEGIN CERTIFICATE-----\n", token: "t\n" };
    expect(await loadWith("ca_file: ca.pem, bearer_token_file: token", files)).toBe("loaded");
  });

  it.each([
    ["jwks_file: k.json", {}, "k.json: the file does not exist"],
    ["jwks_file: k.json", { "k.json": "SECRET" }, "k.json: is not JSON"],
    ["jwks_file: k.json", { "k.json": "{}" }, "k.json: must be a JSON Web Key Set"],
    ["jwks_file: k.json", { "k.json": setOf() }, "with a key"],
    ["jwks_file: k.json", { "k.json": setOf("SECRET") }, "must have a kty for each key"],
    ["jwks_file: k.json", { "k.json": setOf(...Array<unknown>(201).fill(key)) }, "must have at most 200 keys"],
    ["jwks_file: k.json", { "k.json": setOf({ ...key, d: "SECRET" }) }, "holds a key that is secret"],
    ["jwks_file: k.json", { "k.json": setOf({ kty: "oct", k: "SECRET" }) }, "holds a key that is secret"],
    ["ca_file: ca.pem", { "ca.pem": "SECRET" }, "ca.pem: has no certificate"],
    ["ca_file: ca.pem", {}, "ca.pem: the file does not exist"],
    ["bearer_token_file: token", { token: "\n" }, "token: is empty"],
  ])("with %s and %j are refused", async (setting, files, message) => {
    const outcome = await loadWith(setting, files);
    expect(outcome).toContain(message);
    expect(outcome).not.toContain("SECRET");
  });
});
