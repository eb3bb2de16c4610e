import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SecretBrokerClient, SecretError } from "../../src/client/index.js";
import { isPostgresMissing, titleOf as titleWithPostgres } from "../managers/postgres/postgres-programs.js";
import { startLiteLlmDatabase } from "./litellm-database.js";
import { type LiteLlmProxy, masterKey, type Provider, startLiteLlm, startProvider } from "./litellm-proxy.js";
import { newestLiteLlm } from "./litellm-release.js";
import { isMissing, prismaPath, titleOf } from "./peer.js";
import { type RunningBroker, startServing } from "./running-broker.js";

const brokerConfig = `
general_settings:
  key_management_settings: { access_mode: read_and_write }
secret_broker:
  manager: { kind: sqlite, path: secrets.db }
  encryption: { kind: file, path: secrets.key }
  listen: [127.0.0.1:0, { address: "unix:litellm.sock", principal: litellm }]
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  policies:
    - { principals: [local], actions: ["*"], names: ["**"] }
    - { principals: [litellm], actions: [read, watch], names: [models/**] }
    - { principals: [litellm], actions: [read, write, rotate, delete], names: [virtual/**] }
`;
const providerKey = "sk-placeholder-of-the-provider";

function proxyConfig(providerUrl: string): string {
  return JSON.stringify({
    general_settings: {
      master_key: "os.environ/LITELLM_MASTER_KEY",
      key_management_system: "custom",
      key_management_settings: {
        custom_secret_manager: "broker_secrets.BrokerSecretManager",
        access_mode: "read_and_write",
        hosted_keys: ["models/provider"],
        store_virtual_keys: true,
        prefix_for_stored_virtual_keys: "virtual/keys",
        description: "a virtual key",
        tags: { Stage: "live" },
      },
    },
    litellm_settings: { num_retries: 0 },
    router_settings: { num_retries: 0, disable_cooldowns: true },
    model_list: [
      {
        model_name: "gpt",
        litellm_params: { model: "openai/gpt-4", api_base: providerUrl, api_key: "os.environ/models/provider" },
      },
    ],
  });
}

/** A key that the proxy made. */
interface MadeKey {
  readonly key: string;
  readonly token_id: string;
}

const isSkipped = isMissing(prismaPath) || isPostgresMissing;

describe.skipIf(isSkipped)(titleOf(titleWithPostgres("LiteLLM's own keys over HTTP"), prismaPath), () => {
  let folder: string;
  let broker: RunningBroker;
  let client: SecretBrokerClient;
  let provider: Provider;
  let proxy: LiteLlmProxy;
  const made: string[] = [];
  /** What is ended at the end, the last first: also when a later one did not start. */
  const started: (() => unknown)[] = [];

  const startBroker = async (): Promise<void> => {
    broker = await startServing(folder, []);
    client = new SecretBrokerClient(broker.address);
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "sb-keys-"));
    started.push(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, "config.yaml"), brokerConfig);
    await startBroker();
    started.push(
      () => broker.stop(),
      () => client.close(),
    );
    await client.writeSecret({ name: "models/provider", payload: providerKey });
    provider = await startProvider([providerKey]);
    started.push(() => provider.close());
    const database = await startLiteLlmDatabase();
    started.push(() => database.remove());
    const settings = {
      SECRET_BROKER_ADDRESS: `unix:${join(folder, "litellm.sock")}`,
      // How long a change waits for a broker that is away.
      SECRET_BROKER_TIMEOUT: "2",
      ...{ LITELLM_KEY_ROTATION_ENABLED: "true", LITELLM_KEY_ROTATION_CHECK_INTERVAL_SECONDS: "2" },
    };
    proxy = await startLiteLlm(newestLiteLlm, proxyConfig(provider.url), { ...settings, ...database.environment });
    started.push(() => proxy.stop());
  }, 400_000);

  afterAll(async () => {
    for (const end of started.reverse()) await end();
  }, 60_000);

  async function generate(body: object): Promise<MadeKey> {
    const { status, text } = await proxy.post("/key/generate", body);
    expect(status, text).toBe(200);
    const key = JSON.parse(text) as MadeKey;
    made.push(key.key);
    return key;
  }

  /** What the broker keeps under a name now: the payload, or why there is none. */
  async function kept(name: string): Promise<unknown> {
    try {
      const answer = await client.readSecret({ name, maxStalenessMs: 0 });
      return answer.notModified ? undefined : answer.secret.payload;
    } catch (error) {
      return error instanceof SecretError ? error.reason : error;
    }
  }

  /** LiteLLM tells its secret manager after it has answered. */
  async function untilKept(name: string, expected: string): Promise<void> {
    await expect.poll(() => kept(name), { timeout: 15_000 }).toBe(expected);
  }

  it("are stored under prefix and alias, with description and tags, and work", async () => {
    const { key } = await generate({ key_alias: "one" });
    await untilKept("virtual/keys/one", key);
    expect(await client.describeSecret({ name: "virtual/keys/one" })).toMatchObject({
      activeVersion: 1,
      changedBy: "litellm",
      description: "a virtual key",
      tags: { Stage: "live" },
    });
    expect(await proxy.complete("gpt", key)).toBe(200);
    expect(provider.keys.at(-1)).toBe(providerKey);
  });

  it("are stored under their hash when they have no alias", async () => {
    const { key, token_id } = await generate({});
    await untilKept(`virtual/keys/virtual-key-${token_id}`, key);
  });

  it("move with their alias", async () => {
    const { key } = await generate({ key_alias: "before" });
    expect(await proxy.post("/key/update", { key, key_alias: "after" })).toMatchObject({ status: 200 });
    await untilKept("virtual/keys/after", key);
    await untilKept("virtual/keys/before", "SECRET_DELETED");
    expect(await client.describeSecret({ name: "virtual/keys/after" })).toMatchObject({ tags: { Stage: "live" } });
    expect(await proxy.complete("gpt", key)).toBe(200);
  });

  it("are gone when they are deleted, all of a batch", async () => {
    const keys = [await generate({ key_alias: "two" }), await generate({ key_alias: "three" })].map(({ key }) => key);
    expect(await proxy.post("/key/delete", { keys })).toMatchObject({ status: 200 });
    await untilKept("virtual/keys/two", "SECRET_DELETED");
    await untilKept("virtual/keys/three", "SECRET_DELETED");
    for (const key of keys) expect(await proxy.complete("gpt", key)).toBe(401);
  });

  it("leave exactly the new value when an alias is deleted and made again at once", async () => {
    let { key } = await generate({ key_alias: "again" });
    for (let round = 0; round < 5; round += 1) {
      const old = key;
      expect(await proxy.post("/key/delete", { key_aliases: ["again"] })).toMatchObject({ status: 200 });
      ({ key } = await generate({ key_alias: "again" }));
      await untilKept("virtual/keys/again", key);
      expect(await proxy.complete("gpt", old)).toBe(401);
    }
    expect(await proxy.complete("gpt", key)).toBe(200);
    expect(await kept("virtual/keys/again")).toBe(key);
  });

  it("stay what they are when LiteLLM refuses to regenerate them without a licence", async () => {
    const { key } = await generate({ key_alias: "licensed" });
    await untilKept("virtual/keys/licensed", key);
    for (const path of ["/key/regenerate", `/key/${key}/regenerate`]) {
      const { status, text } = await proxy.post(path, { key });
      expect(text).toContain("Regenerating Virtual Keys is an Enterprise feature");
      expect(status).toBe(500);
    }
    expect(await client.describeSecret({ name: "virtual/keys/licensed" })).toMatchObject({ activeVersion: 1 });
    expect(await proxy.complete("gpt", key)).toBe(200);
  });

  it("stay what they are when LiteLLM refuses to rotate them on a schedule without a licence", async () => {
    const { key } = await generate({ key_alias: "scheduled", auto_rotate: true, rotation_interval: "1s" });
    await untilKept("virtual/keys/scheduled", key);
    await expect.poll(() => proxy.log(), { timeout: 15_000 }).toMatch(/Failed to rotate key [^\n]*Enterprise feature/u);
    expect(await client.describeSecret({ name: "virtual/keys/scheduled" })).toMatchObject({ activeVersion: 1 });
    expect(await proxy.complete("gpt", key)).toBe(200);
  });

  it("of two teams are stored side by side, and no team takes another's alias", async () => {
    const teams = [];
    for (const team_alias of ["team-a", "team-b"]) {
      const { text } = await proxy.post("/team/new", { team_alias });
      teams.push((JSON.parse(text) as { team_id: string }).team_id);
    }
    const [a, b] = teams;
    const ofA = await generate({ key_alias: "team-a/key", team_id: a });
    const ofB = await generate({ key_alias: "team-b/key", team_id: b });
    await untilKept("virtual/keys/team-a/key", ofA.key);
    await untilKept("virtual/keys/team-b/key", ofB.key);
    const { status, text } = await proxy.post("/key/generate", { key_alias: "team-a/key", team_id: b });
    expect([status, text]).toEqual([400, expect.stringContaining("already exists") as string]);
    expect(await kept("virtual/keys/team-a/key")).toBe(ofA.key);
    for (const { key } of [ofA, ofB]) expect(await proxy.complete("gpt", key)).toBe(200);
  });

  it("of a team that is deleted no longer work, and LiteLLM leaves their secrets", async () => {
    const { text } = await proxy.post("/team/new", { team_alias: "gone" });
    const { team_id } = JSON.parse(text) as { team_id: string };
    const { key } = await generate({ key_alias: "of-the-gone", team_id });
    await untilKept("virtual/keys/of-the-gone", key);
    expect(await proxy.post("/team/delete", { team_ids: [team_id] })).toMatchObject({ status: 200 });
    expect(await proxy.complete("gpt", key)).toBe(401);
    expect(await kept("virtual/keys/of-the-gone")).toBe(key);
  });

  it("are made and deleted without the broker too, which the proxy's log tells, and stored again when it is back", async () => {
    const { key: early } = await generate({ key_alias: "early" });
    await untilKept("virtual/keys/early", early);
    client.close();
    expect(await broker.stop()).toBe(0);

    const logged = proxy.log().length;
    const news = (): string => proxy.log().slice(logged);
    const { key } = await generate({ key_alias: "unkept" });
    const warning = /Failed to store virtual key in secret manager: [^\n]*\(MANAGER_UNAVAILABLE\)/u;
    await expect.poll(news, { timeout: 15_000 }).toMatch(warning);
    expect(await proxy.complete("gpt", key)).toBe(200);
    expect(await proxy.post("/key/delete", { keys: [early] })).toMatchObject({ status: 200 });
    await expect.poll(news, { timeout: 15_000 }).toMatch(/in async_delete_secret[^]*\(MANAGER_UNAVAILABLE\)/u);
    expect(await proxy.complete("gpt", early)).toBe(401);

    await startBroker();
    expect(await kept("virtual/keys/unkept")).toBe("SECRET_NOT_FOUND");
    expect(await kept("virtual/keys/early")).toBe(early);
    // It is waited for until the plug-in has found the broker again.
    const { key: late } = await generate({ key_alias: "late" });
    await untilKept("virtual/keys/late", late);
  }, 120_000);

  it("are in no log, nor the master key", () => {
    expect(made.length).toBeGreaterThan(10);
    for (const key of [...made, masterKey, providerKey]) expect(proxy.log()).not.toContain(key);
  });
});
