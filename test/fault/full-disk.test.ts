import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SecretBrokerClient } from "../../src/client/index.js";
import { isSecretError } from "../../src/domain/secret-error.js";
import { BrokerProcess } from "./broker-process.js";
import { canMount } from "./can-mount.js";

const config = `
general_settings: { key_management_settings: { access_mode: read_and_write } }
secret_broker:
  manager: { kind: sqlite, path: disk/secrets.db }
  encryption: { kind: file, path: secrets.key }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
  timeouts: { health_interval: 100ms }
`;

const title = canMount
  ? "a store on a disk of 4 MiB"
  : "a store on a small disk (skipped: this user may not mount one)";

describe.skipIf(!canMount)(title, () => {
  let directory: string;
  let disk: string;
  const brokers: BrokerProcess[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "full-disk-"));
    disk = join(directory, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]);
    writeFileSync(join(directory, "config.yaml"), config);
  });

  afterEach(async () => {
    for (const broker of brokers.splice(0)) await broker.kill();
    execFileSync("umount", [disk]);
    rmSync(directory, { recursive: true });
  });

  async function open(): Promise<{ broker: BrokerProcess; client: SecretBrokerClient }> {
    const broker = await BrokerProcess.start(directory);
    brokers.push(broker);
    return { broker, client: new SecretBrokerClient(broker.address) };
  }

  /** Writes until it fails; returns what was acknowledged and why it failed. */
  async function fill(client: SecretBrokerClient): Promise<{ acknowledged: Map<string, string>; reason: string }> {
    const acknowledged = new Map<string, string>();
    for (let index = 0; index < 1_000; index += 1) {
      const name = `N${String(index)}`;
      const payload = `${String(index)}:${"x".repeat(50_000)}`;
      try {
        await client.writeSecret({ name, payload });
        acknowledged.set(name, payload);
      } catch (error) {
        return { acknowledged, reason: isSecretError(error) ? error.reason : "another failure" };
      }
    }
    return { acknowledged, reason: "nothing failed" };
  }

  async function expectAll(client: SecretBrokerClient, acknowledged: ReadonlyMap<string, string>): Promise<void> {
    for (const [name, payload] of acknowledged) {
      expect(await client.readSecret({ name })).toMatchObject({ secret: { payload } });
    }
  }

  it("that is full refuses writes and serves reads, and writes again once there is room", async () => {
    const { broker, client } = await open();
    const { acknowledged, reason } = await fill(client);
    expect(reason).toBe("MANAGER_UNAVAILABLE");
    expect(acknowledged.size).toBeGreaterThan(10);
    await expectAll(client, acknowledged);
    await expect(client.writeSecret({ name: "MORE", payload: "x".repeat(50_000) })).rejects.toMatchObject({
      reason: "MANAGER_UNAVAILABLE",
    });
    execFileSync("mount", ["-o", "remount,size=16m", disk]);
    await client.writeSecret({ name: "MORE", payload: "there is room" });
    client.close();
    await broker.kill();
    const again = await open();
    await expectAll(again.client, new Map([...acknowledged, ["MORE", "there is room"]]));
    again.client.close();
  });

  it("that is full when the broker is killed comes back with all that was acknowledged", async () => {
    const { broker, client } = await open();
    const { acknowledged } = await fill(client);
    client.close();
    await broker.kill();
    execFileSync("mount", ["-o", "remount,size=16m", disk]);
    const again = await open();
    await expectAll(again.client, acknowledged);
    again.client.close();
  });

  it("that can only be read is refused at the start, clearly, and loses nothing", async () => {
    const { broker, client } = await open();
    await client.writeSecret({ name: "A", payload: "kept" });
    client.close();
    await broker.kill();
    execFileSync("mount", ["-o", "remount,ro", disk]);
    await expect(BrokerProcess.start(directory)).rejects.toThrow(/secrets\.db.*cannot be opened; check/su);
    execFileSync("mount", ["-o", "remount,rw", disk]);
    const again = await open();
    expect(await again.client.readSecret({ name: "A" })).toMatchObject({ secret: { payload: "kept" } });
    again.client.close();
  });
});
