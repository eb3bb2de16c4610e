import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { SecretBrokerClient } from "../../src/client/secret-broker-client.js";
import { BrokerProcess } from "./broker-process.js";
import { Writer } from "./writer.js";

/** How often the broker is killed; a long run is `SECRET_BROKER_KILLS=200 npx vitest run test/fault`. */
const kills = Number(process.env["SECRET_BROKER_KILLS"] ?? "12");

const writers = 16;

const config = `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: { kind: sqlite, path: secrets.db }
  encryption: { kind: file, path: secrets.key }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
`;

it("loses nothing that was acknowledged, however often it is killed", { timeout: 3_600_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), "kill-store-"));
  await writeFile(join(directory, "config.yaml"), config);
  let broker: BrokerProcess | undefined;
  onTestFinished(async () => {
    await broker?.kill();
    await rm(directory, { recursive: true });
  });
  const all = Array.from({ length: writers }, (_, index) => new Writer(`writer/${String(index)}`));
  for (let round = 0; round <= kills; round += 1) {
    broker = await BrokerProcess.start(directory);
    const client = new SecretBrokerClient(broker.address);
    for (const writer of all) await writer.assertKept(client);
    if (round < kills) {
      const writing = all.map((writer) => writer.write(client));
      await wait(5 + Math.random() * 250);
      await broker.kill();
      await Promise.all(writing);
    }
    client.close();
  }
  const acknowledged = all.reduce((sum, { acknowledgedCount }) => sum + acknowledgedCount, 0);
  expect(acknowledged).toBeGreaterThan(writers * kills);
});
