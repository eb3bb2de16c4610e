import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { SecretBrokerClient } from "../../../src/client/index.js";
import { startBroker, type TestBroker } from "../../../src/testkit/start-broker.js";
import { run } from "../../cli/run-in-process.js";
import { Watcher } from "../../server/watcher.js";
import { isPostgresMissing, titleOf } from "./postgres-programs.js";
import { PostgresServerProcess } from "./start-postgres.js";

const key = "5a".repeat(32);
const keyVariable = "SECRET_BROKER_TEST_STORE_KEY";

const config = `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: { kind: postgres, url_file: url, max_connections: 4 }
  encryption: { kind: environment, variable: ${keyVariable} }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
  timeouts: { watch_heartbeat: 200ms }
`;

describe.skipIf(isPostgresMissing)(titleOf("brokers on one PostgreSQL"), () => {
  let server: PostgresServerProcess;
  const cleanups: (() => unknown)[] = [];

  beforeAll(async () => {
    process.env[keyVariable] = key;
    server = await PostgresServerProcess.start();
  });

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  afterAll(async () => {
    Reflect.deleteProperty(process.env, keyVariable);
    await server.remove();
  });

  async function open(): Promise<{ broker: TestBroker; client: SecretBrokerClient }> {
    const broker = await startBroker({ config, files: { url: `${server.url()}\n` } });
    cleanups.push(() => broker.stop());
    const client = new SecretBrokerClient(broker.address);
    cleanups.push(() => {
      client.close();
    });
    return { broker, client };
  }

  it("serve the same secrets at once, also those just written through another", async () => {
    const [one, other] = await Promise.all([open(), open()]);
    await one.client.writeSecret({ name: "SHARED", payload: "1" });
    expect(await other.client.readSecret({ name: "SHARED" })).toMatchObject({ secret: { payload: "1" } });
    await other.client.writeSecret({ name: "SHARED", payload: "2", expectedVersion: 1 });
    expect(await one.client.readSecret({ name: "SHARED" })).toMatchObject({ secret: { payload: "2" } });
    await expect(one.client.writeSecret({ name: "SHARED", payload: "3", expectedVersion: 1 })).rejects.toMatchObject({
      reason: "VERSION_MISMATCH",
    });
  });

  it("tell their watchers what was written through another, also after the server was away", async () => {
    const [one, other] = await Promise.all([open(), open()]);
    const watcher = new Watcher(one.broker.address).subscribe({ names: ["WATCHED"] });
    cleanups.push(() => watcher.leave());
    await watcher.untilSynced();
    await other.client.writeSecret({ name: "WATCHED", payload: "1" });
    await watcher.until((told) => told === "change WATCHED@1=1");
    await server.stop("SIGKILL");
    await expect(other.client.readSecret({ name: "WATCHED" })).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    await server.restart();
    const write = (): Promise<unknown> =>
      other.client.writeSecret({ name: "WATCHED", payload: "2", expectedVersion: 1, idempotencyId: "again" });
    await expect
      .poll(
        () =>
          write().then(
            () => "written",
            () => "not yet",
          ),
        { timeout: 15_000 },
      )
      .toBe("written");
    await watcher.until((told) => told === "change WATCHED@2=2");
  });

  it("have keys that the command line shows", async () => {
    const { broker, client } = await open();
    await client.writeSecret({ name: "KEPT", payload: "1" });
    const { code, stdout } = await run(["key", "status", "--config", `${broker.directory}/config.yaml`, "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ keys: [{ state: "current" }] });
  });

  it("refuse to start with another key, and change nothing", async () => {
    await open();
    process.env[keyVariable] = "6b".repeat(32);
    await expect(open()).rejects.toMatchObject({
      reason: "CONFIG_INVALID",
      message: expect.stringContaining("does not open the store") as string,
    });
    process.env[keyVariable] = key;
    await open();
  });

  it.each([
    ["no URL", "url_environment: NOT_SET_ANYWHERE", "NOT_SET_ANYWHERE with the database's URL is not set"],
    ["no file", "url_file: none", "cannot be read"],
  ])("say that there is %s", async (_what, setting, message) => {
    const other = config.replace("url_file: url", setting);
    await expect(startBroker({ config: other })).rejects.toMatchObject({
      reason: "CONFIG_INVALID",
      message: expect.stringContaining(message) as string,
    });
  });
});
