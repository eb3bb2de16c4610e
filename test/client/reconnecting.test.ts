import { fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { SecretBrokerClient } from "secret-broker";
import { afterEach, describe, expect, it } from "vitest";
import { startBroker, type TestBroker } from "../../src/testkit/start-broker.js";

const program = fileURLToPath(new URL("./many-watchers.ts", import.meta.url));
const processes = 2;

/** How long the broker is away: some of their pauses have grown to seconds by then. */
const awayMs = 3_000;
/** How long it takes at least until the middle eight tenths of them are there: together they would be sooner. */
const minSpreadMs = 1_500;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function start(directory: string): Promise<TestBroker> {
  const config = `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: { kind: sqlite, path: ${join(directory, "secrets.db")} }
  admin: { listen: "off" }
  encryption: { kind: file, path: ${join(directory, "secrets.key")} }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
  timeouts: { drain: 1s }
`;
  return startBroker({ config, listen: [`unix:${join(directory, "broker.sock")}`] });
}

/** Stores in a process of their own; resolves once it has said something. */
function watchers(address: string, clients: number): (text: string) => Promise<void> {
  const child = fork(program, [address, String(clients / processes), "KEY"], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  cleanups.push(() => {
    if (child.connected) child.disconnect();
  });
  const said: unknown[] = [];
  child.on("message", (message) => said.push(message));
  child.on("exit", () => said.push("ended"));
  return async (text) => {
    await expect.poll(() => said, { timeout: 80_000 }).toContain(text);
  };
}

/** When each of those that watch now connected, in milliseconds since the epoch, in order. */
async function connectTimes(client: SecretBrokerClient): Promise<number[]> {
  const times: number[] = [];
  let pageToken: string | undefined;
  do {
    const page = await client.administration.listConsumers({ pageSize: 500, pageToken });
    times.push(...page.consumers.map(({ connectTime }) => connectTime?.getTime() ?? Number.NaN));
    ({ nextPageToken: pageToken } = page);
  } while (pageToken !== undefined);
  return times.toSorted((a, b) => a - b);
}

/** Between the first and the last tenth: a machine that is slow makes it longer, never shorter. */
function spreadOf(times: readonly number[]): number {
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN;
  return at(0.9) - at(0.1);
}

describe("clients whose broker was restarted", () => {
  // With a thousand, only to connect them can take a slow machine as long as they are apart; with fewer it cannot.
  it.each([200, 1_000])("come back spread out, all %i of them", { timeout: 180_000 }, async (clients) => {
    const directory = await mkdtemp(join(tmpdir(), "secret-broker-"));
    cleanups.push(() => rm(directory, { recursive: true, force: true }));
    let broker = await start(directory);
    const client = new SecretBrokerClient(broker.address);
    cleanups.push(() => {
      client.close();
    });
    await client.writeSecret({ name: "KEY", payload: "before" });
    const groups = Array.from({ length: processes }, () => watchers(broker.address, clients));
    await Promise.all(groups.map((says) => says("open")));

    await broker.stop();
    await delay(awayMs);
    broker = await start(directory);
    cleanups.push(() => broker.stop());
    const backMs = Date.now();
    await client.writeSecret({ name: "KEY", payload: "after" });
    await Promise.all(groups.map((says) => says("after")));

    // One may have asked for the value while its stream was still to come.
    let times: readonly number[] = [];
    await expect.poll(async () => (times = await connectTimes(client)).length, { timeout: 60_000 }).toBe(clients);
    const spreadMs = spreadOf(times);
    const lastMs = (times.at(-1) ?? 0) - backMs;
    console.info(
      `${String(clients)} came back in ${String(lastMs)} ms, the middle 80 % of them over ${String(spreadMs)} ms`,
    );
    expect(spreadMs).toBeGreaterThan(minSpreadMs);
  });
});
