import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { SecretError } from "../../../src/client/index.js";
import { startBroker } from "../../../src/testkit/start-broker.js";
import { CentralProxy } from "./central-proxy.js";
import { clientOf, start } from "./start-sidecar.js";

const cache = "  cache: { ttl: 50ms, max_stale: 1h, jitter: 0 }\n";

describe("a chain of client, sidecar and central broker", () => {
  it("carries the request id into both audits", async () => {
    const central = await start("{ kind: memory }");
    const sidecar = await start(`{ kind: upstream, address: "${central.socket}" }`);
    const client = clientOf(sidecar.address);
    await client.writeSecret({ name: "A", payload: "one" });
    await client.readSecret({ name: "A" }, { requestId: "chain-7" });
    for (const broker of [central, sidecar]) {
      expect(await readFile(join(broker.directory, "audit.jsonl"), "utf8")).toContain("chain-7");
    }
  });

  it("tells absence, a denial and an outage apart", async () => {
    const central = await start(
      "{ kind: memory }",
      "  policies: [{ name: p, principals: ['*'], actions: [read], names: [MISSING] }]\n",
    );
    const sidecar = await start(`{ kind: upstream, address: "${central.socket}" }`);
    const client = clientOf(sidecar.address);
    await expect(client.readSecret({ name: "MISSING" })).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
    await expect(client.readSecret({ name: "OTHER" })).rejects.toMatchObject({
      reason: "POLICY_DENIED",
      metadata: { manager: "upstream", upstream_reason: "POLICY_DENIED" },
    });
    await central.stop();
    await expect(client.readSecret({ name: "MISSING" })).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
  });

  it("says of what the central broker keeps that it is kept, and how old it is", async () => {
    const central = await start("{ kind: memory }", "  cache: { ttl: 1h, jitter: 0 }\n");
    const sidecar = await start(`{ kind: upstream, address: "${central.socket}" }`);
    const client = clientOf(sidecar.address);
    await client.writeSecret({ name: "A", payload: "one" });
    expect(await client.readSecret({ name: "A" })).toMatchObject({ servedFrom: "manager", ageMs: undefined });
    const kept = await client.readSecret({ name: "A" });
    expect(kept.servedFrom).toBe("cache");
    expect(kept.ageMs).toBeGreaterThanOrEqual(0);
    expect(await client.readSecret({ name: "A", maxStalenessMs: 0 })).toMatchObject({ servedFrom: "manager" });
  });

  it("goes on with what it has, marked as stale, while the central broker is gone", async () => {
    const central = await start("{ kind: memory }");
    const sidecar = await start(`{ kind: upstream, address: "${central.socket}" }`, cache);
    const client = clientOf(sidecar.address);
    await client.writeSecret({ name: "A", payload: "one" });
    await client.readSecret({ name: "A" });
    await central.stop();
    await expect.poll(async () => (await client.readSecret({ name: "A" })).servedFrom).toBe("stale");
    const stale = await client.readSecret({ name: "A" });
    expect(stale).toMatchObject({ secret: { payload: "one" }, servedFrom: "stale" });
    await expect(client.readSecret({ name: "A", maxStalenessMs: 1 })).rejects.toMatchObject({
      reason: "STALE_TOO_OLD",
    });
  });

  it("asks the next of several central brokers when one is gone", async () => {
    const first = await start("{ kind: memory }");
    const second = await start("{ kind: memory }");
    await clientOf(second.address).writeSecret({ name: "A", payload: "of the second" });
    const sidecar = await start(`{ kind: upstream, address: ["${first.socket}", "${second.socket}"] }`);
    const client = clientOf(sidecar.address);
    await first.stop();
    expect(await client.readSecret({ name: "A" })).toMatchObject({ secret: { payload: "of the second" } });
  });

  it("gives a central broker that hangs no more time than the caller has", async () => {
    const hanging = "export class Hanging { readSecret() { return new Promise(() => {}); } }";
    const central = await start("{ kind: module, class: hanging.Hanging }", "", { files: { "hanging.mjs": hanging } });
    const sidecar = await start(`{ kind: upstream, address: "${central.socket}" }`);
    const client = clientOf(sidecar.address);
    await expect(client.readSecret({ name: "A" }, { timeoutMs: 300 })).rejects.toMatchObject({
      reason: "MANAGER_TIMEOUT",
    });
    const records = async (): Promise<string> => await readFile(join(central.directory, "audit.jsonl"), "utf8");
    await expect.poll(records).toMatch(/MANAGER_TIMEOUT|CALL_CANCELLED/);
  });

  it("keeps nothing of what it may watch no more, also when that was decided while it was cut off", async () => {
    const configOf = (bounds: string): string => `
general_settings: { key_management_settings: { access_mode: read_and_write${bounds} } }
secret_broker:
  manager: { kind: sqlite, path: secrets.db }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
`;
    const central = await startBroker({ config: configOf("") });
    onTestFinished(() => central.stop());
    const atCentral = clientOf(central.address);
    for (const name of ["A", "B"]) await atCentral.writeSecret({ name, payload: "one" });
    const proxy = await CentralProxy.open(central.socket);
    onTestFinished(() => {
      proxy.close();
    });
    const keeping = "  cache: { ttl: 1h, jitter: 0 }\n";
    const sidecar = await start(`{ kind: upstream, address: "${proxy.address}" }`, keeping);
    const client = clientOf(sidecar.address);
    const originOf = async (name: string): Promise<unknown> => (await client.readSecret({ name })).servedFrom;
    const reasonAtCentral = async (name: string): Promise<unknown> =>
      await atCentral.readSecret({ name }).catch((error: unknown) => (error as SecretError).reason);
    for (const name of ["A", "B"]) await expect.poll(() => originOf(name)).toBe("cache");
    proxy.shut();
    await writeFile(join(central.directory, "config.yaml"), configOf(", hosted_keys: [A]"));
    await expect.poll(() => reasonAtCentral("B"), { timeout: 5_000 }).toBe("KEY_NOT_HOSTED");
    expect(await originOf("B")).toBe("cache");
    proxy.reopen();
    const told = async (): Promise<unknown> =>
      await originOf("B").catch((error: unknown) => (error as SecretError).metadata);
    await expect.poll(told, { timeout: 12_000 }).toMatchObject({ upstream_reason: "KEY_NOT_HOSTED" });
    // Asked for again at most.
    await expect.poll(() => originOf("A")).toBe("cache");
  }, 30_000);
});
