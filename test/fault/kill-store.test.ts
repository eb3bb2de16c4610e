import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { SecretBrokerClient } from "../../src/client/secret-broker-client.js";

const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

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

/** One name and the only client that writes it. */
interface Writer {
  readonly name: string;
  /** What was acknowledged last. */
  acknowledged: { readonly value: string; readonly version: number } | undefined;
  /** What was sent and not answered. */
  pending: string | undefined;
  sent: number;
}

it("loses nothing that was acknowledged, however often it is killed", { timeout: 3_600_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), "kill-store-"));
  await writeFile(join(directory, "config.yaml"), config);
  const address = `unix:${join(directory, "broker.sock")}`;
  let broker: ChildProcess | undefined;
  onTestFinished(async () => {
    broker?.kill("SIGKILL");
    await rm(directory, { recursive: true });
  });
  const all: Writer[] = Array.from({ length: writers }, (_, index) => ({
    name: `writer/${String(index)}`,
    acknowledged: undefined,
    pending: undefined,
    sent: 0,
  }));
  for (let round = 0; round <= kills; round += 1) {
    broker = await serve(directory, address);
    const client = new SecretBrokerClient(address);
    for (const writer of all) await assertKept(client, writer);
    if (round < kills) {
      const killed = once(broker, "exit");
      const writing = all.map((writer) => write(client, writer));
      await wait(5 + Math.random() * 250);
      broker.kill("SIGKILL");
      await Promise.all([killed, ...writing]);
    }
    client.close();
  }
  expect(all.reduce((sum, { acknowledged }) => sum + (acknowledged?.version ?? 0), 0)).toBeGreaterThan(writers * kills);
});

async function serve(directory: string, address: string): Promise<ChildProcess> {
  const args = [main, "serve", "--config", join(directory, "config.yaml"), "--listen", address];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  let printed = "";
  child.stderr.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  await expect.poll(() => printed, { timeout: 20_000, interval: 20 }).toContain("grpcurl");
  return child;
}

/** Writes one value after the other until the broker is gone. */
async function write(client: SecretBrokerClient, writer: Writer): Promise<void> {
  for (;;) {
    writer.sent += 1;
    writer.pending = `${writer.name} value ${String(writer.sent)}`;
    try {
      const { version = 0 } = await client.writeSecret({
        name: writer.name,
        payload: writer.pending,
        idempotencyId: `${writer.name}#${String(writer.sent)}`,
      });
      writer.acknowledged = { value: writer.pending, version };
      writer.pending = undefined;
    } catch {
      return;
    }
  }
}

/** What was acknowledged is there, or what was sent after it; sending that again writes it once and no more. */
async function assertKept(client: SecretBrokerClient, writer: Writer): Promise<void> {
  const { name, acknowledged, pending, sent } = writer;
  if (acknowledged !== undefined) {
    const found = await client.readSecret({ name });
    const kept = [acknowledged.value, ...(pending === undefined ? [] : [pending])];
    expect(kept).toContain("secret" in found ? found.secret.payload : undefined);
  }
  if (pending === undefined) return;
  const before = acknowledged?.version ?? 0;
  const { version } = await client.writeSecret({ name, payload: pending, idempotencyId: `${name}#${String(sent)}` });
  expect(version).toBe(before + 1);
  writer.acknowledged = { value: pending, version: before + 1 };
  writer.pending = undefined;
}
