import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SecretBrokerClient } from "../../src/client/secret-broker-client.js";
import { isPostgresMissing, titleOf } from "../managers/postgres/postgres-programs.js";
import { PostgresServerProcess } from "../managers/postgres/start-postgres.js";
import { range } from "../managers/postgres/tables.js";
import { BrokerProcess } from "./broker-process.js";
import { Writer } from "./writer.js";

/** How often something is killed; a long run is `SECRET_BROKER_KILLS=200 npx vitest run test/fault`. */
const kills = Number(process.env["SECRET_BROKER_KILLS"] ?? "6");

const writers = 16;

/** Both brokers share the key as well, which the first of them makes. */
const configWith = (keyPath: string): string => `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: { kind: postgres, url_file: url }
  encryption: { kind: file, path: ${keyPath} }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
`;

describe.skipIf(isPostgresMissing)(titleOf("two brokers on one PostgreSQL, under 16 writers"), () => {
  let server: PostgresServerProcess;
  let directories: readonly string[];
  let brokers: BrokerProcess[];
  let clients: readonly SecretBrokerClient[];
  let all: readonly Writer[];

  beforeEach(async () => {
    server = await PostgresServerProcess.start();
    directories = await Promise.all(range(2).map(() => mkdtemp(join(tmpdir(), "kill-postgres-"))));
    const config = configWith(join(directories[0] ?? "", "secrets.key"));
    for (const directory of directories) {
      await writeFile(join(directory, "config.yaml"), config);
      await writeFile(join(directory, "url"), server.url());
    }
    brokers = await Promise.all(directories.map((directory) => BrokerProcess.start(directory)));
    clients = brokers.map(({ address }) => new SecretBrokerClient(address));
    all = range(writers).map((index) => new Writer(`writer/${String(index)}`));
  });

  afterEach(async () => {
    for (const client of clients) client.close();
    for (const broker of brokers) await broker.kill();
    await server.remove();
    for (const directory of directories) await rm(directory, { recursive: true });
  });

  function clientOf(index: number): SecretBrokerClient {
    const client = clients[index % clients.length];
    if (client === undefined) throw new Error("there is none");
    return client;
  }

  /** Everybody writes, each through its broker, while something is killed. */
  async function writeMeanwhile(round: number, kill: () => Promise<void>): Promise<void> {
    const ending = new AbortController();
    const writing = all.map((writer, index) => writer.write(clientOf(round + index), ending.signal));
    await wait(5 + Math.random() * 250);
    await kill();
    ending.abort();
    await Promise.all(writing);
  }

  /** Each name is asked for through the other broker than the one that wrote it. */
  async function assertKept(round: number): Promise<void> {
    for (const broker of range(brokers.length)) {
      const isServed = async (): Promise<boolean> => {
        try {
          await clientOf(broker).writeSecret({ name: "probe", payload: "placeholder" });
          // Reads have connections of their own.
          await clientOf(broker).readSecret({ name: "probe" });
          return true;
        } catch {
          return false;
        }
      };
      await expect.poll(isServed, { timeout: 15_000 }).toBe(true);
    }
    for (const [index, writer] of all.entries()) await writer.assertKept(clientOf(round + index + 1));
  }

  function assertMuchWasDone(): void {
    const acknowledged = all.reduce((sum, { acknowledgedCount }) => sum + acknowledgedCount, 0);
    expect(acknowledged).toBeGreaterThan(writers * kills);
  }

  it("lose nothing that was acknowledged, however often the server is killed", { timeout: 3_600_000 }, async () => {
    for (const round of range(kills)) {
      await writeMeanwhile(round, async () => {
        await server.stop("SIGKILL");
        await server.restart();
      });
      await assertKept(round);
    }
    assertMuchWasDone();
  });

  it(
    "lose nothing when one of the server's processes is killed, which ends all sessions",
    { timeout: 3_600_000 },
    async () => {
      const sql = `SELECT pid FROM pg_stat_activity WHERE application_name = 'secret-broker' ORDER BY random() LIMIT 1`;
      for (const round of range(kills)) {
        await writeMeanwhile(round, async () => {
          process.kill(Number(await server.sql(sql)), "SIGKILL");
        });
        await assertKept(round);
      }
      assertMuchWasDone();
    },
  );

  it("lose nothing however often one of them is killed, and the other goes on", { timeout: 3_600_000 }, async () => {
    for (const round of range(kills)) {
      const victim = Math.floor(Math.random() * brokers.length);
      await writeMeanwhile(round, async () => {
        await brokers[victim]?.kill();
      });
      const survivor = clientOf(victim + 1);
      for (const writer of all) await writer.assertKept(survivor);
      brokers[victim] = await BrokerProcess.start(directories[victim] ?? "");
      await assertKept(round);
    }
    assertMuchWasDone();
  });
});
