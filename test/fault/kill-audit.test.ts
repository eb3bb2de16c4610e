import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { SecretBrokerClient } from "../../src/client/secret-broker-client.js";
import { recordLines } from "../audit/example-record.js";
import { run } from "../cli/run-in-process.js";
import { BrokerProcess } from "./broker-process.js";

/** How often the broker is killed; a long run is `SECRET_BROKER_KILLS=200 npx vitest run test/fault`. */
const kills = Number(process.env["SECRET_BROKER_KILLS"] ?? "8");

const readers = 16;

const config = `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: { kind: sqlite, path: secrets.db }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl, rotate_size: 64KiB }
  log: { level: error }
`;

/** Reads until it is not answered any more; gives the request ids of what was released. */
async function readOn(client: SecretBrokerClient, reader: string): Promise<string[]> {
  const released: string[] = [];
  for (let count = 0; ; count += 1) {
    const requestId = `${reader}-${String(count)}`;
    try {
      await client.readSecret({ name: "A" }, { requestId });
    } catch {
      return released;
    }
    released.push(requestId);
  }
}

async function recordsIn(directory: string): Promise<Map<string, number>> {
  const files = (await readdir(directory)).filter((name) => name.startsWith("audit.jsonl"));
  const texts = await Promise.all(files.map((name) => readFile(join(directory, name), "utf8")));
  const counts = new Map<string, number>();
  for (const line of texts.flatMap(recordLines)) {
    const id = /"request_id":"([^"]*)".*"outcome":"ok"/u.exec(line)?.[1];
    if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

it(
  "has exactly one durable record of everything it released, however often it is killed",
  { timeout: 3_600_000 },
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "kill-audit-"));
    await writeFile(join(directory, "config.yaml"), config);
    let broker: BrokerProcess | undefined;
    onTestFinished(async () => {
      await broker?.kill();
      await rm(directory, { recursive: true });
    });
    const released: string[] = [];
    for (let round = 0; round < kills; round += 1) {
      broker = await BrokerProcess.start(directory);
      const client = new SecretBrokerClient(broker.address);
      if (round === 0) await client.writeSecret({ name: "A", payload: "1" });
      const reading = Array.from({ length: readers }, (_, index) =>
        readOn(client, `r${String(round)}-${String(index)}`),
      );
      await wait(20 + Math.random() * 300);
      await broker.kill();
      released.push(...(await Promise.all(reading)).flat());
      client.close();
    }
    expect(released.length).toBeGreaterThan(readers);
    const records = await recordsIn(directory);
    expect(released.filter((id) => records.get(id) !== 1)).toEqual([]);

    // What the last kill tore is settled by the next start.
    broker = await BrokerProcess.start(directory);
    const verified = await run(["audit", "verify", "--config", join(directory, "config.yaml"), "--complete"]);
    expect(verified).toMatchObject({ code: 0 });
  },
);
