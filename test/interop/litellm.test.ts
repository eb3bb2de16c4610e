import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SecretBrokerClient } from "../../src/client/index.js";
import { createAccessToken, hashOfToken } from "../../src/identity/access-token.js";
import { type LiteLlmProxy, type Provider, startLiteLlm, startProvider } from "./litellm-proxy.js";
import { type LiteLlmRelease, litellmReleases } from "./litellm-release.js";
import { isMissing, titleOf } from "./peer.js";
import { type RunningBroker, startServing } from "./running-broker.js";

const tokens = { admin: createAccessToken(), "team-a": createAccessToken(), "team-b": createAccessToken() };

const brokerConfig = `
general_settings:
  key_management_settings: { access_mode: read_and_write }
secret_broker:
  manager: { kind: sqlite, path: secrets.db }
  encryption: { kind: file, path: secrets.key }
  listen: 127.0.0.1:0
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  authentication:
    tokens: { file: tokens.yaml }
  policies:
    - { principals: [admin], actions: ["*"], names: ["**"] }
    - { principals: [team-a], actions: [read, watch], names: [teams/a/**] }
    - { principals: [team-b], actions: [read, watch], names: [teams/b/**] }
`;

const keys = {
  "teams/a/key": "sk-placeholder-of-team-a",
  "teams/a/wrong": "sk-placeholder-that-is-wrong",
  "teams/b/key": "sk-placeholder-of-team-b",
};
const environmentKey = "sk-placeholder-of-the-environment";
const goodKeys = [keys["teams/a/key"], keys["teams/b/key"], environmentKey];

/** A configuration of LiteLLM's with one model for each name that a key is asked by. */
function proxyConfig(providerUrl: string, names: readonly string[]): string {
  const models = names.map((name) => ({
    model_name: name,
    litellm_params: { model: "openai/gpt-4", api_base: providerUrl, api_key: `os.environ/${name}`, max_retries: 0 },
  }));
  return JSON.stringify({
    general_settings: {
      master_key: "os.environ/LITELLM_MASTER_KEY",
      key_management_system: "custom",
      key_management_settings: {
        custom_secret_manager: "broker_secrets.BrokerSecretManager",
        hosted_keys: ["teams/a/key", "teams/a/wrong", "teams/b/key"],
      },
    },
    litellm_settings: { num_retries: 0 },
    router_settings: { num_retries: 0, disable_cooldowns: true },
    model_list: models,
  });
}

const startTimeoutMs = 400_000;

for (const release of litellmReleases) {
  const title = `the proxy of ${release.title} with the broker behind it`;
  describe.skipIf(isMissing(release.proxyPath))(titleOf(title, release.proxyPath), () => {
    testProxy(release);
  });
}

function testProxy(release: LiteLlmRelease): void {
  const names = ["teams/a/key", "teams/a/wrong", "teams/b/key", "NOT_HOSTED"];
  let folder: string;
  let broker: RunningBroker;
  let provider: Provider;
  let ofTeamA: LiteLlmProxy;
  let ofTeamB: LiteLlmProxy;
  /** What is ended at the end, the last first: also when a later one did not start. */
  const started: (() => unknown)[] = [];

  const startProxy = (team: "team-a" | "team-b"): Promise<LiteLlmProxy> => {
    const file = join(folder, `${team}.token`);
    writeFileSync(file, tokens[team], { mode: 0o600 });
    const settings = { SECRET_BROKER_ADDRESS: broker.address, SECRET_BROKER_TOKEN_FILE: file };
    return startLiteLlm(release, proxyConfig(provider.url, names), { ...settings, NOT_HOSTED: environmentKey });
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "sb-e2e-"));
    started.push(() => rmSync(folder, { recursive: true, force: true }));
    const entries = Object.entries(tokens).map(([principal, token]) => ({ principal, hash: hashOfToken(token) }));
    writeFileSync(join(folder, "tokens.yaml"), JSON.stringify({ tokens: entries }), { mode: 0o600 });
    writeFileSync(join(folder, "config.yaml"), brokerConfig);
    broker = await startServing(folder, []);
    started.push(() => broker.stop());
    const client = new SecretBrokerClient(broker.address, { token: tokens.admin });
    for (const [name, payload] of Object.entries(keys)) await client.writeSecret({ name, payload });
    client.close();
    provider = await startProvider(goodKeys);
    started.push(() => provider.close());
    ofTeamA = await startProxy("team-a");
    started.push(() => ofTeamA.stop());
    ofTeamB = await startProxy("team-b");
    started.push(() => ofTeamB.stop());
  }, startTimeoutMs);

  afterAll(async () => {
    for (const end of started.reverse()) await end();
  }, 60_000);

  /** The keys that the provider is sent while a proxy answers, and its answer. */
  async function asked(proxy: LiteLlmProxy, model: string): Promise<{ status: number; sent: readonly string[] }> {
    const before = provider.keys.length;
    const status = await proxy.complete(model);
    return { status, sent: provider.keys.slice(before) };
  }

  it("calls the provider with the key that the broker keeps", async () => {
    expect(await asked(ofTeamA, "teams/a/key")).toEqual({ status: 200, sent: [keys["teams/a/key"]] });
    expect(await asked(ofTeamB, "teams/b/key")).toEqual({ status: 200, sent: [keys["teams/b/key"]] });
  });

  it("never has the keys in its environment, nor in its log", () => {
    for (const proxy of [ofTeamA, ofTeamB]) {
      for (const key of Object.values(keys)) {
        expect(proxy.environment()).not.toContain(key);
        expect(proxy.log()).not.toContain(key);
      }
    }
  });

  it("passes on what the provider says to a key that is wrong", async () => {
    const { status, sent } = await asked(ofTeamA, "teams/a/wrong");
    expect(status).toBe(401);
    expect(new Set(sent)).toEqual(new Set([keys["teams/a/wrong"]]));
  });

  it("takes what is not in hosted_keys from its environment, and asks nobody", async () => {
    expect(await asked(ofTeamA, "NOT_HOSTED")).toEqual({ status: 200, sent: [environmentKey] });
    expect(readFileSync(join(folder, "audit.jsonl"), "utf8")).not.toContain("NOT_HOSTED");
  });

  it("of one team never gets the key of another", async () => {
    for (const [proxy, model] of [[ofTeamA, "teams/b/key"] as const, [ofTeamB, "teams/a/key"] as const]) {
      const { status, sent } = await asked(proxy, model);
      expect(status).toBeGreaterThanOrEqual(400);
      for (const key of sent) expect(Object.values(keys)).not.toContain(key);
    }
    const audit = readFileSync(join(folder, "audit.jsonl"), "utf8");
    expect(audit).toMatch(/"principal":"team-a"[^\n]*"name":"teams\/b\/key"[^\n]*/u);
  });

  it("goes on when the broker has gone", async () => {
    expect(await broker.stop()).toBe(0);
    expect(await asked(ofTeamA, "teams/a/key")).toEqual({ status: 200, sent: [keys["teams/a/key"]] });
  });

  it("starts without the broker, and then has no key to give away", { timeout: startTimeoutMs }, async () => {
    const proxy = await startProxy("team-a");
    try {
      expect(await asked(proxy, "NOT_HOSTED")).toEqual({ status: 200, sent: [environmentKey] });
      const { status, sent } = await asked(proxy, "teams/a/key");
      expect(status).toBeGreaterThanOrEqual(400);
      for (const key of sent) expect(Object.values(keys)).not.toContain(key);
      expect(proxy.log()).toContain("MANAGER_UNAVAILABLE");
    } finally {
      await proxy.stop();
    }
  });
}
