import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { type OpenStoreOptions, openSecretStore, type SecretStore } from "../../../src/client/index.js";
import type { TestBroker } from "../../../src/testkit/start-broker.js";
import { CentralProxy } from "./central-proxy.js";
import { clientOf, start } from "./start-sidecar.js";
import { toldBy } from "./told-by.js";

const quick = "  timeouts: { watch_heartbeat: 200ms, watch_poll: 200ms, drain: 1s }\n";
const cache = "  cache: { ttl: 300ms, max_stale: 3s, jitter: 0 }\n";
const patience = { timeout: 15_000, interval: 20 };

/** A vault that is asked, and fails as long as a file lies beside it. */
const vault = `
import { existsSync, readFileSync } from "node:fs";
const at = (name) => new URL(name, import.meta.url);
const check = () => { if (existsSync(at("down"))) throw new Error("the vault is down"); };
export class Vault {
  readSecret(name) { check(); return name === "A" ? readFileSync(at("value"), "utf8") : undefined; }
  listSecrets() { check(); return { secrets: [{ name: "A" }] }; }
}`;

async function startVault(): Promise<TestBroker> {
  const files = { "vault.mjs": vault, value: "old" };
  return await start("{ kind: module, class: vault.Vault }", quick, { files });
}

async function storeOf(address: string, options: OpenStoreOptions = {}): Promise<SecretStore> {
  const bounds = { freshForMs: 1_000, maxStalenessMs: 3_000, pollIntervalMs: 500, negativeTtlMs: 100 };
  const store = await openSecretStore({
    ...{ address, secrets: ["A"], retry: { attempts: 1 } },
    ...bounds,
    ...options,
  });
  onTestFinished(() => store.close());
  return store;
}

describe("a store behind a sidecar", { timeout: 60_000 }, () => {
  it("knows that the vault behind the central broker is not asked any more, and gives nothing beyond its bound", async () => {
    const central = await startVault();
    const sidecar = await start(`{ kind: upstream, address: "${central.socket}" }`, cache + quick);
    const store = await storeOf(sidecar.socket);
    // As long as the vault is asked, what the store holds stays fresh without a question of its own.
    for (let look = 0; look < 20; look += 1) {
      await pause(100);
      expect(toldBy(store)).toBe("old cache");
    }
    writeFileSync(join(central.directory, "down"), "");
    writeFileSync(join(central.directory, "value"), "new");
    await expect.poll(() => toldBy(store), patience).toBe("old stale");
    await expect.poll(() => toldBy(store), patience).toBe("STALE_TOO_OLD");
    await expect(store.read("A")).rejects.toMatchObject({ name: "SecretError" });
  });

  it("gives nothing beyond its bound while the network between the brokers is silent", async () => {
    const central = await start("{ kind: memory }", quick);
    await clientOf(central.socket).writeSecret({ name: "A", payload: "old" });
    const proxy = await CentralProxy.open(central.socket);
    onTestFinished(() => {
      proxy.close();
    });
    const sidecar = await start(`{ kind: upstream, address: "${proxy.address}" }`, cache + quick);
    const store = await storeOf(sidecar.socket, { timeoutMs: 500 });
    await pause(1_500);
    expect(toldBy(store)).toBe("old cache");
    proxy.silence();
    await clientOf(central.socket).writeSecret({ name: "A", payload: "new" });
    await expect.poll(() => toldBy(store), patience).toBe("STALE_TOO_OLD");
  });

  it("is told by its sidecar how current that one is, and how often whoever knows is asked", async () => {
    const central = await startVault();
    const sidecar = await start(`{ kind: upstream, address: "${central.socket}" }`, quick);
    const first = clientOf(sidecar.socket).watchSecrets();
    first.subscribe({ names: ["A"] });
    const seen: number[] = [];
    for await (const event of first) {
      if (event.kind === "synced") expect(event.pollIntervalMs).toBe(200);
      if (event.kind !== "heartbeat") continue;
      // Both brokers have one clock here, so a time can be looked at.
      seen.push(Date.now() - (event.currentTime?.getTime() ?? 0));
      if (seen.length === 10) writeFileSync(join(central.directory, "down"), "");
      if (seen.length === 20) break;
    }
    expect(Math.max(...seen.slice(5, 10))).toBeLessThan(1_500);
    expect(Math.min(...seen.slice(18))).toBeGreaterThan(1_200);
  });
});
