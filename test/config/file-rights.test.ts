import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError, formatProblem } from "../../src/config/config-error.js";
import { loadConfig } from "../../src/config/load-config.js";
import { tlsProblems } from "../../src/config/tls-files.js";
import { tlsOption } from "../../src/managers/postgres/open-socket.js";
import type { PostgresServer } from "../../src/managers/postgres/postgres-server.js";
import { startBroker } from "../../src/testkit/start-broker.js";
import { RpcCaller } from "../app/call-rpc.js";
import { withMemory } from "./config-text.js";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "secret-broker-rights-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text: string, mode: number): void {
  writeFileSync(join(folder, name), text);
  chmodSync(join(folder, name), mode);
}

/** The warnings of a configuration, or its problems. */
async function load(text: string, mode = 0o644): Promise<string> {
  write("config.yaml", text, mode);
  try {
    const { warnings } = await loadConfig(join(folder, "config.yaml"));
    return warnings.map(formatProblem).join("\n").replaceAll(`${folder}/`, "");
  } catch (error) {
    return error instanceof ConfigError ? `refused ${error.message.replaceAll(`${folder}/`, "")}` : String(error);
  }
}

const issuer = "issuer: https://a.example, audiences: [me]";
const keySet = JSON.stringify({ keys: [{ kty: "EC", crv: "P-256", x: "AA", y: "AA" }] });
const writable = "can be written by others, who could let anybody in; take that right away with chmod go-w";
const readable = "can be read by every user of this machine; take that right away with chmod o-r";

describe("a file whose writer can let anybody in", () => {
  it.each([
    ["tokens.yaml", "  authentication: { tokens: { file: tokens.yaml } }\n", "", 0o660],
    ["tokens.yaml", "  authentication: { tokens: { file: tokens.yaml } }\n", "", 0o606],
    ["rules.yaml", "  policy_files: [rules.yaml]\n", "policies: []\n", 0o666],
    ["rules/rules.yaml", "  policy_files: [rules]\n", "policies: []\n", 0o606],
    ["keys.json", `  authentication: { jwt: [{ ${issuer}, jwks_file: keys.json }] }\n`, keySet, 0o666],
  ])("is refused: %s with %j", async (...row) => {
    const [name, text, content, mode] = row;
    mkdirSync(join(folder, "rules"));
    write(name, content, mode);
    expect(await load(withMemory(text))).toBe(`refused ${name}: ${writable}`);
  });

  it.each([0o664, 0o644, 0o600])("may be a group's for policies and key sets: %o", async (mode) => {
    write("rules.yaml", "policies: []\n", mode);
    write("keys.json", keySet, mode);
    const authentication = `  authentication: { jwt: [{ ${issuer}, jwks_file: keys.json }] }\n`;
    expect(await load(withMemory(`  policy_files: [rules.yaml]\n${authentication}`))).toBe("");
  });

  it("is not taken over by a broker that runs", async () => {
    const config = `
secret_broker:
  manager: { kind: memory }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
  policies: [{ name: ops, principals: [local], actions: [administer], names: ["**"] }]
  policy_files: [rules.yaml]
`;
    const broker = await startBroker({ config, files: { "rules.yaml": "policies: []\n" } });
    const caller = new RpcCaller(broker.address);
    const reload = async (): Promise<string> => (await caller.call("ReloadConfiguration")).reason ?? "reloaded";
    expect(await reload()).toBe("reloaded");
    chmodSync(join(broker.directory, "rules.yaml"), 0o666);
    expect(await reload()).toBe("CONFIG_INVALID");
    caller.close();
    await broker.stop();
  });

  it("is warned of where it is the configuration itself", async () => {
    expect(await load(withMemory(""), 0o666)).toBe(`config.yaml: ${writable}`);
    expect(await load(withMemory(""), 0o664)).toBe("");
  });
});

describe("a file with a token or a password", () => {
  it.each([
    ["secret_broker:\n  manager: { kind: upstream, address: unix:a.sock, token_file: secret }\n"],
    ["secret_broker:\n  manager: { kind: postgres, url_file: secret }\n"],
    [withMemory("  audit: { sinks: [{ kind: postgres, url_file: secret }] }\n")],
    [withMemory(`  authentication: { jwt: [{ ${issuer}, bearer_token_file: secret }] }\n`)],
  ])("is warned of where everybody may read it: %s", async (text) => {
    write("secret", "postgres://a:b@localhost/c\n", 0o644);
    expect(await load(text)).toBe(`secret: holds a token or a password and ${readable}`);
    for (const mode of [0o640, 0o600]) {
      write("secret", "postgres://a:b@localhost/c\n", mode);
      expect(await load(text)).toBe("");
    }
  });
});

describe("a private key that others can read", () => {
  const rule = "is a private key that others can read or change; take that right away with chmod g-wx,o-rwx";

  it.each(["remote", "upstream"])(
    "is refused for a manager of kind %s, by config check and at the start",
    async (kind) => {
      write("c.pem", "c", 0o644);
      write("k.pem", "k", 0o644);
      const pair = `certificate: ${folder}/c.pem, key: ${folder}/k.pem`;
      const text = `secret_broker:\n  manager: { kind: ${kind}, address: "a.example:1", tls: { ${pair} } }\n`;
      write("config.yaml", text, 0o644);
      const { config } = await loadConfig(join(folder, "config.yaml"));
      expect((await tlsProblems(config)).map(formatProblem)).toEqual([`${folder}/k.pem: ${rule}`]);
      const own = '  admin: { listen: "off" }\n  log: { level: error }\n  audit: { sink: file, path: audit.jsonl }\n';
      await expect(startBroker({ config: text + own })).rejects.toThrow(rule);
      chmodSync(join(folder, "k.pem"), 0o640);
      expect(await tlsProblems(config)).toEqual([]);
    },
  );

  it("is refused for a database", async () => {
    write("k.pem", "k", 0o604);
    const server: PostgresServer = {
      hosts: [],
      database: "d",
      user: "u",
      tlsMode: "require",
      tlsFiles: { keyPath: join(folder, "k.pem") },
    };
    const option = (): ReturnType<typeof tlsOption> => tlsOption(server, { host: "a.example", port: 5_432 });
    await expect(option()).rejects.toThrow(rule);
    chmodSync(join(folder, "k.pem"), 0o600);
    expect(await option()).toMatchObject({ key: Buffer.from("k") });
  });
});
