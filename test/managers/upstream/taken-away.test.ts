import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { openSecretStore, type SecretBrokerClient, type SecretStore } from "../../../src/client/index.js";
import type { TestBroker } from "../../../src/testkit/start-broker.js";
import { CentralProxy } from "./central-proxy.js";
import { clientOf, start } from "./start-sidecar.js";
import { toldBy } from "./told-by.js";

const quick = "  timeouts: { watch_heartbeat: 200ms, watch_poll: 200ms, drain: 1s }\n";
const plain = "  cache: { ttl: 300ms, max_stale: 1h, jitter: 0 }\n";
const kept = `  cache: { ttl: 300ms, max_stale: 1h, jitter: 0, snapshot: { path: snapshot } }
  encryption: { kind: file, path: snapshot.key }
`;
const patience = { timeout: 15_000, interval: 20 };
const sqlite = "{ kind: sqlite, path: secrets.db }";

interface Chain {
  readonly central: TestBroker;
  readonly sidecar: TestBroker;
  /** At the central broker. */
  readonly owner: SecretBrokerClient;
  /** At the sidecar. */
  readonly app: SecretBrokerClient;
  readonly proxy: CentralProxy;
}

/** A central broker with A and B, and a sidecar of it. */
async function startChain(sidecarRest: string, centralRest = ""): Promise<Chain> {
  const central = await start(sqlite, quick + centralRest);
  const proxy = await CentralProxy.open(central.socket);
  onTestFinished(() => {
    proxy.close();
  });
  const sidecar = await start(`{ kind: upstream, address: "${proxy.address}" }`, quick + sidecarRest);
  const [owner, app] = [clientOf(central.socket), clientOf(sidecar.socket)];
  for (const name of ["A", "B"]) await owner.writeSecret({ name, payload: name.toLowerCase() });
  return { central, sidecar, owner, app, proxy };
}

/** A store of both that would keep what it has for minutes, and is fresh only by what it is told. */
async function storeOf({ sidecar }: Chain): Promise<SecretStore> {
  const options = { secrets: ["A", "B"], freshForMs: 2_000, maxStalenessMs: 600_000, pollIntervalMs: 600_000 };
  const store = await openSecretStore({ address: sidecar.socket, ...options });
  onTestFinished(() => store.close());
  return store;
}

async function acknowledgedAt(owner: SecretBrokerClient): Promise<unknown> {
  const { consumers } = await owner.administration.listConsumers({});
  return consumers.map(({ acknowledgedVersions }) => Object.fromEntries(acknowledgedVersions));
}

const allAcknowledged = { acknowledgedCaches: 1, pendingCaches: 0 };

describe("what a central broker takes away", { timeout: 60_000 }, () => {
  it("by a freeze is taken from the sidecar's watchers and acknowledged, and stops nothing else", async () => {
    const chain = await startChain(plain);
    const { owner } = chain;
    const store = await storeOf(chain);
    await expect.poll(() => acknowledgedAt(owner), patience).toEqual([{ A: 1, B: 1 }]);
    expect(await owner.administration.freezeSecret({ name: "A", cause: "leaked" })).toEqual(allAcknowledged);
    await expect.poll(() => toldBy(store, "A"), patience).toBe("SECRET_NOT_FOUND");
    for (let look = 0; look < 30; look += 1) {
      await pause(100);
      expect(toldBy(store, "B")).toBe("b cache");
    }
    await owner.writeSecret({ name: "B", payload: "b2" });
    await expect.poll(() => toldBy(store, "B"), patience).toBe("b2 cache");
    await expect.poll(() => acknowledgedAt(owner), patience).toEqual([{ B: 2 }]);
    await owner.administration.unfreezeSecret({ name: "A" });
    await expect.poll(() => toldBy(store, "A"), patience).toBe("a cache");
  });

  it("by its policy is taken from the sidecar's watchers too", async () => {
    const policies = (names: string): string =>
      `  policies: [{ name: p, principals: ['*'], actions: [read, watch, write, administer], names: [${names}] }]\n`;
    const chain = await startChain(plain, policies("A, B"));
    const { central } = chain;
    const store = await storeOf(chain);
    const file = join(central.directory, "config.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace("names: [A, B]", "names: [B]"));
    await expect.poll(() => toldBy(store, "A"), patience).toBe("SECRET_NOT_FOUND");
    await pause(2_500);
    expect(toldBy(store, "B")).toBe("b cache");
  });

  it("while the sidecar does not hear of it is taken once it hears again, and later freezes too", async () => {
    const chain = await startChain(kept);
    const { owner, app, proxy, central } = chain;
    const store = await storeOf(chain);
    for (const name of ["A", "B"]) await app.readSecret({ name });
    await expect.poll(() => acknowledgedAt(owner), patience).toEqual([{ A: 1, B: 1 }]);
    proxy.shut();
    await owner.administration.freezeSecret({ name: "A", cause: "leaked" });
    await pause(500);
    proxy.reopen();
    await expect.poll(() => toldBy(store, "A"), patience).toBe("SECRET_NOT_FOUND");
    await expect.poll(() => acknowledgedAt(owner), patience).toEqual([{ B: 1 }]);
    expect(await owner.administration.freezeSecret({ name: "B", cause: "leaked" })).toEqual(allAcknowledged);
    // It was answered once the sidecar had nothing left to give.
    await central.stop();
    for (const name of ["A", "B"]) {
      await expect(app.readSecret({ name })).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    }
  });
});

describe("a freeze of a sidecar with a snapshot", { timeout: 60_000 }, () => {
  it("leaves nothing in its memory or on its disk by the time it is answered", async () => {
    const { sidecar, central, app } = await startChain(kept);
    const file = join(sidecar.directory, "snapshot");
    for (const name of ["A", "B"]) await app.readSecret({ name });
    const size = (): number => {
      try {
        return readFileSync(file).length;
      } catch {
        return 0;
      }
    };
    await expect.poll(size, patience).toBeGreaterThan(0);
    const before = size();
    await app.administration.freezeSecret({ name: "A", cause: "leaked" });
    expect(size()).toBeLessThan(before);
    await central.stop();
    await app.administration.unfreezeSecret({ name: "A" });
    await expect(app.readSecret({ name: "A" })).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    expect(await app.readSecret({ name: "B" })).toMatchObject({ servedFrom: "stale" });
  });
});

describe("max_stale of a sidecar", { timeout: 60_000 }, () => {
  it("is in force for its snapshot with a reload", async () => {
    const { sidecar, central, app } = await startChain(kept);
    await app.readSecret({ name: "A" });
    await central.stop();
    await pause(1_500);
    expect(await app.readSecret({ name: "A" })).toMatchObject({ servedFrom: "stale" });
    const file = join(sidecar.directory, "config.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace("max_stale: 1h", "max_stale: 1s"));
    expect(await app.administration.reloadConfiguration()).toEqual([]);
    await expect(app.readSecret({ name: "A" })).rejects.toMatchObject({
      reason: expect.stringMatching(/STALE_TOO_OLD|MANAGER_UNAVAILABLE/) as string,
    });
  });

  it("bounds what the central broker still gives", async () => {
    const vault = `
import { existsSync } from "node:fs";
export class Vault {
  supports = { sharedReads: true };
  readSecret(name) { if (existsSync(new URL("down", import.meta.url))) throw new Error("down"); return name; }
}`;
    const long = "  cache: { ttl: 200ms, max_stale: 1h, jitter: 0 }\n";
    const central = await start("{ kind: module, class: vault.Vault }", long, { files: { "vault.mjs": vault } });
    const boundMs = 1_500;
    const of = async (cache: string): Promise<SecretBrokerClient> =>
      clientOf((await start(`{ kind: upstream, address: "${central.socket}" }`, cache)).socket);
    const bounded = await of(`  cache: { ttl: 200ms, max_stale: ${String(boundMs)}ms, jitter: 0 }\n`);
    const [strict, lenient] = [await of("  cache: { ttl: 200ms }\n"), await of(long)];
    for (const app of [bounded, strict, lenient]) await app.readSecret({ name: "A" });
    writeFileSync(join(central.directory, "down"), "");
    await pause(700);
    expect(await bounded.readSecret({ name: "A" })).toMatchObject({ servedFrom: "stale" });
    await expect(strict.readSecret({ name: "A" })).rejects.toMatchObject({ reason: "STALE_TOO_OLD" });
    await pause(boundMs);
    await expect(bounded.readSecret({ name: "A" })).rejects.toMatchObject({ reason: "STALE_TOO_OLD" });
    expect(await lenient.readSecret({ name: "A" })).toMatchObject({ servedFrom: "stale" });
  });
});
