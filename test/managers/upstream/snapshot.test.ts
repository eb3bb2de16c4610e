import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { startBrokerProcess } from "../../../src/app/start-broker-process.js";
import { PassThrough } from "node:stream";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { SecretBrokerClient } from "../../../src/client/index.js";
import { SecretError } from "../../../src/domain/secret-error.js";
import { parseSecretName } from "../../../src/domain/secret-name.js";
import type { ManagerCall } from "../../../src/contract/manager-call.js";
import type { ReadReply } from "../../../src/contract/secret-manager.js";
import { ForwardClock } from "../../../src/managers/upstream/kept-answers.js";
import { SnapshotReads } from "../../../src/managers/upstream/snapshot-reads.js";
import { UpstreamSecretManager } from "../../../src/managers/upstream/upstream-secret-manager.js";
import { startBroker } from "../../../src/testkit/start-broker.js";

interface Sidecar {
  readonly client: SecretBrokerClient;
  readonly stop: () => Promise<void>;
}

/** A sidecar whose folder outlives it. */
async function startSidecar(folder: string, central: string): Promise<Sidecar> {
  const configFile = join(folder, "config.yaml");
  await writeFile(
    configFile,
    `
secret_broker:
  manager: { kind: upstream, address: "${central}" }
  cache: { ttl: 50ms, max_stale: 1h, snapshot: { path: run/snapshot } }
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
`,
  );
  const stderr = new PassThrough().resume();
  const broker = await startBrokerProcess({ configFile, listen: ["127.0.0.1:0"], detailedDebug: false, stderr });
  const client = new SecretBrokerClient(broker.addresses[0] ?? "", { retry: { attempts: 1 } });
  const stop = async (): Promise<void> => {
    client.close();
    await broker.stop();
  };
  onTestFinished(stop);
  return { client, stop };
}

async function folderOf(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sidecar-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function centralWith(payloads: Readonly<Record<string, string | Uint8Array>>): ReturnType<typeof startBroker> {
  const central = await startBroker();
  onTestFinished(() => central.stop());
  const client = new SecretBrokerClient(central.address);
  for (const [name, payload] of Object.entries(payloads)) await client.writeSecret({ name, payload });
  client.close();
  return central;
}

describe("a sidecar with a snapshot", () => {
  it("starts cold while the central broker is away, and says how old its answers are", async () => {
    const folder = await folderOf();
    const binary = new Uint8Array([0, 255, 7]);
    const central = await centralWith({ TEXT: "canary-4711", BYTES: binary });
    const first = await startSidecar(folder, central.socket);
    await first.client.readSecret({ name: "TEXT" });
    await first.client.readSecret({ name: "BYTES" });
    await first.stop();
    await central.stop();
    const file = join(folder, "run/snapshot");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const written = await readFile(file, "utf8");
    for (const form of ["canary-4711", Buffer.from("canary-4711").toString("base64")]) {
      expect(written).not.toContain(form);
    }
    const { client } = await startSidecar(folder, central.socket);
    const text = await client.readSecret({ name: "TEXT" });
    expect(text).toMatchObject({ secret: { payload: "canary-4711", version: 1 }, servedFrom: "stale" });
    expect(text.ageMs).toBeGreaterThan(0);
    expect(await client.readSecret({ name: "BYTES" })).toMatchObject({ secret: { payload: binary } });
    await expect(client.readSecret({ name: "NEVER_READ" })).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    await expect(client.readSecret({ name: "TEXT", maxStalenessMs: 0 })).rejects.toMatchObject({
      reason: "MANAGER_UNAVAILABLE",
    });
  });

  it.each([
    ["is damaged", (text: string): string => text.replace(/"ciphertext":"..../, '"ciphertext":"AAAA')],
    ["is none", (): string => "null"],
  ])("goes without a snapshot that %s", async (_, spoil) => {
    const folder = await folderOf();
    const central = await centralWith({ TEXT: "one" });
    const first = await startSidecar(folder, central.socket);
    await first.client.readSecret({ name: "TEXT" });
    await first.stop();
    await central.stop();
    const file = join(folder, "run/snapshot");
    await writeFile(file, spoil(await readFile(file, "utf8")));
    const { client } = await startSidecar(folder, central.socket);
    await expect(client.readSecret({ name: "TEXT" })).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
  });

  it("goes without the snapshot of another central broker", async () => {
    const folder = await folderOf();
    const central = await centralWith({ TEXT: "one" });
    const first = await startSidecar(folder, central.socket);
    await first.client.readSecret({ name: "TEXT" });
    await first.stop();
    const { client } = await startSidecar(folder, "unix:elsewhere.sock");
    await expect(client.readSecret({ name: "TEXT" })).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
  });
});

/** A central broker that answers as it is told, and clocks that are set by hand. */
class Bench {
  wallMs = 1_000_000;
  steadyMs = 0;
  maxStaleMs = 10_000;
  saved: Uint8Array | undefined;
  answer: ReadReply | SecretError | undefined | Promise<ReadReply> = { value: "one" };
  readonly notes: string[] = [];
  /** How often it was saved, or tried. */
  saves = 0;
  isDiskFull = false;

  open(): SnapshotReads {
    const clock = new ForwardClock(
      () => this.wallMs,
      () => this.steadyMs,
    );
    const keeper = {
      load: () => Promise.resolve(this.saved && new Uint8Array(this.saved)),
      save: (content: Uint8Array) => {
        this.saves += 1;
        if (this.isDiskFull) return Promise.reject(new Error("the disk is full"));
        this.saved = new Uint8Array(content);
        return Promise.resolve();
      },
    };
    const ask = (): Promise<ReadReply | undefined> =>
      this.answer instanceof SecretError ? Promise.reject(this.answer) : Promise.resolve(this.answer);
    return new SnapshotReads(ask, {
      keeper,
      clock,
      maxStaleMs: () => this.maxStaleMs,
      onNote: (note) => this.notes.push(note),
    });
  }

  async read(reads: SnapshotReads): Promise<ReadReply | undefined> {
    const deadline = new Date(Date.now() + 5_000);
    return await reads.read("A", { options: {}, signal: new AbortController().signal, deadline, requestId: "r" });
  }
}

const outage = new SecretError("MANAGER_UNAVAILABLE", "gone");

describe("the age of a snapshot's answers", () => {
  it("counts from the confirmation, over a restart, and ends at the bound", async () => {
    const bench = new Bench();
    const first = bench.open();
    bench.answer = { value: "one", ageMs: 500, isStale: false };
    await bench.read(first);
    await first.close();
    bench.answer = outage;
    bench.wallMs += 3_000;
    const second = bench.open();
    await second.load();
    expect(await bench.read(second)).toMatchObject({ value: "one", ageMs: 3_500, isStale: true });
    bench.steadyMs += 6_500;
    expect(await bench.read(second)).toMatchObject({ ageMs: 10_000 });
    bench.steadyMs += 1;
    await expect(bench.read(second)).rejects.toBe(outage);
  });

  it("is not made less by a clock that is set back", async () => {
    const bench = new Bench();
    const reads = bench.open();
    await bench.read(reads);
    bench.answer = outage;
    bench.steadyMs += 4_000;
    bench.wallMs -= 900_000;
    expect(await bench.read(reads)).toMatchObject({ ageMs: 4_000 });
    await reads.close();
    const later = bench.open();
    await later.load();
    await expect(bench.read(later)).rejects.toBe(outage);
    expect(bench.notes).toEqual([expect.stringContaining("set back")]);
  });

  it.each(["POLICY_DENIED", "SECRET_DELETED"] as const)("ends with %s", async (reason) => {
    const bench = new Bench();
    const reads = bench.open();
    await bench.read(reads);
    bench.answer = new SecretError(reason, "no");
    await expect(bench.read(reads)).rejects.toBe(bench.answer);
    bench.answer = outage;
    await expect(bench.read(reads)).rejects.toBe(outage);
  });

  it("ends with absence, and with a change that is heard of", async () => {
    const bench = new Bench();
    const reads = bench.open();
    await bench.read(reads);
    reads.forget("A");
    bench.answer = outage;
    await expect(bench.read(reads)).rejects.toBe(outage);
    bench.answer = { value: "two" };
    await bench.read(reads);
    bench.answer = undefined;
    expect(await bench.read(reads)).toBeUndefined();
    bench.answer = outage;
    await expect(bench.read(reads)).rejects.toBe(outage);
  });

  it("ends with a bound that is lowered", async () => {
    const bench = new Bench();
    const reads = bench.open();
    await bench.read(reads);
    bench.answer = outage;
    bench.steadyMs += 5_000;
    expect(await bench.read(reads)).toMatchObject({ ageMs: 5_000 });
    bench.maxStaleMs = 4_999;
    await expect(bench.read(reads)).rejects.toBe(outage);
  });

  it.each([
    ["another version", { version: 2, uid: "u" }],
    ["another generation", { version: 1, uid: "v" }],
    ["another payload", { payload: "two" }],
  ])("ends as it is told to be %s now, and goes on as it is told to be the same", async (_what, change) => {
    const bench = new Bench();
    bench.answer = { value: "one", version: 1, uid: "u" };
    const reads = bench.open();
    await bench.read(reads);
    bench.answer = outage;
    const told = { name: parseSecretName("A"), payload: "one", version: 1, uid: "u" };
    reads.forgetUnless(told);
    expect(await bench.read(reads)).toMatchObject({ value: "one" });
    reads.forgetUnless({ ...told, ...change });
    await expect(bench.read(reads)).rejects.toBe(outage);
  });

  it("is not begun by an answer that was on its way when the secret changed", async () => {
    const bench = new Bench();
    const { promise, resolve } = Promise.withResolvers<ReadReply>();
    bench.answer = promise;
    const reads = bench.open();
    const read = bench.read(reads);
    reads.forget("A");
    resolve({ value: "one" });
    expect(await read).toMatchObject({ value: "one" });
    bench.answer = outage;
    await expect(bench.read(reads)).rejects.toBe(outage);
  });
});

describe("what is erased", () => {
  it("is off the disk by then, also what a former process left there", async () => {
    const bench = new Bench();
    const first = bench.open();
    await bench.read(first);
    await first.close();
    const before = bench.saved?.length ?? 0;
    const second = bench.open();
    await second.load();
    await second.erase("A");
    expect(bench.saved?.length).toBeLessThan(before);
    // Nothing is left to be done.
    await second.erase("A");
    expect(bench.saves).toBe(2);
  });

  it("is said to be there still when the disk does not take it, and is tried again when it is asked for again", async () => {
    const bench = new Bench();
    const reads = bench.open();
    await bench.read(reads);
    bench.isDiskFull = true;
    await expect(reads.erase("A")).rejects.toThrow("full");
    expect(bench.notes).toHaveLength(1);
    bench.isDiskFull = false;
    await reads.erase("A");
    expect(bench.saves).toBe(2);
  });

  it("is saved together with what waits for the save before it", async () => {
    const bench = new Bench();
    const reads = bench.open();
    const erased = Array.from({ length: 100 }, async () => {
      await bench.read(reads);
      await reads.erase("A");
    });
    await Promise.all(erased);
    expect(bench.saves).toBeLessThan(10);
  });
});

describe("a change through the sidecar", () => {
  const deadline = new Date(Date.now() + 600_000);
  const call: ManagerCall = { options: {}, signal: new AbortController().signal, deadline, requestId: "r" };

  it.each<[string, (manager: UpstreamSecretManager) => unknown]>([
    ["a write", (manager) => manager.writeSecret("TEXT", "two", {}, call)],
    ["a deletion", (manager) => manager.deleteSecret("TEXT", { recoveryWindowInDays: 0 }, call)],
    ["a rotation", (manager) => manager.rotateSecret("TEXT", "TEXT", "two", {}, call)],
  ])("ends what is kept from before %s", async (_which, change) => {
    const central = await centralWith({ TEXT: "one" });
    const keeper = { load: () => Promise.resolve(undefined), save: () => Promise.resolve() };
    const snapshot = { keeper, maxStaleMs: () => 600_000, onNote: () => undefined };
    const manager = new UpstreamSecretManager({ addresses: [central.socket], onRefused: () => undefined, snapshot });
    onTestFinished(() => manager.close());
    expect(await manager.readSecret("TEXT", call)).toMatchObject({ value: "one" });
    await change(manager);
    await central.stop();
    await expect(manager.readSecret("TEXT", call)).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
  });
});
