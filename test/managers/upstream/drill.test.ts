import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { isSecretError, type SecretBrokerClient } from "../../../src/client/index.js";
import type { ReadFound } from "../../../src/client/read-secret.js";
import { Secret, ServedFrom } from "../../../src/gen/secretbroker/v1/secret.js";
import { type ReadSecretRequest, ReadSecretResponse } from "../../../src/gen/secretbroker/v1/secret_broker.js";
import { startMapBroker } from "../../client/map-broker.js";
import { CentralProxy } from "./central-proxy.js";
import { clientOf, start } from "./start-sidecar.js";

async function readOf(client: SecretBrokerClient, name: string, maxStalenessMs?: number): Promise<ReadFound> {
  const answer = await client.readSecret({ name, maxStalenessMs });
  if (answer.notModified) throw new TypeError("nobody asked for that");
  return answer;
}

const patience = { timeout: 30_000 };

describe("an app whose central broker", { timeout: 120_000 }, () => {
  it("answers after seconds is answered with what is kept, marked, and with the new value once that is there", async () => {
    const slow = `
import { readFileSync } from "node:fs";
const facts = () => JSON.parse(readFileSync(new URL("facts.json", import.meta.url), "utf8"));
export class Slow {
  async readSecret() {
    const { value, afterMs } = facts();
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    return value;
  }
}`;
    const files = { "slow.mjs": slow, "facts.json": JSON.stringify({ value: "one", afterMs: 0 }) };
    const central = await start("{ kind: module, class: slow.Slow }", "", { files });
    const say = (value: string, afterMs: number): void => {
      writeFileSync(join(central.directory, "facts.json"), JSON.stringify({ value, afterMs }));
    };
    const sidecar = await start(
      `{ kind: upstream, address: "${central.socket}" }`,
      "  cache: { ttl: 100ms, max_stale: 1h, jitter: 0 }\n",
    );
    const client = clientOf(sidecar.address);
    expect(await readOf(client, "A")).toMatchObject({ servedFrom: "manager" });
    say("two", 3_000);
    await pause(150);
    // Longer than it is waited for, and shorter than questions may take.
    const first = await readOf(client, "A");
    expect(first).toMatchObject({ secret: { payload: "one" }, servedFrom: "stale" });
    expect(first.ageMs).toBeGreaterThanOrEqual(150);
    await expect.poll(async () => (await readOf(client, "A")).secret.payload, patience).toBe("two");
    // Whoever has nothing to fall back on, and wants none, waits.
    expect(await readOf(client, "A", 0)).toMatchObject({ secret: { payload: "two" }, servedFrom: "manager" });
  });

  it("comes and goes every 200 ms is never answered wrongly, unmarked or beyond its bound", async () => {
    const boundMs = 2_000;
    const central = await start("{ kind: memory }");
    const owner = clientOf(central.address);
    await owner.writeSecret({ name: "A", payload: "0" });
    const proxy = await CentralProxy.open(central.socket);
    onTestFinished(() => {
      proxy.close();
    });
    const sidecar = await start(
      `{ kind: upstream, address: "${proxy.address}" }`,
      `  cache: { ttl: 100ms, max_stale: ${String(boundMs)}ms, jitter: 0 }\n`,
    );
    const client = clientOf(sidecar.address);
    await readOf(client, "A");
    // Value → when it was certainly not the truth any more.
    const endedAtMs: number[] = [];
    const told = { manager: 0, cache: 0, stale: 0, refused: 0 };
    const drill = { isOver: false };
    const flap = async (): Promise<void> => {
      for (let turn = 1; turn <= 20; turn += 1) {
        await pause(200);
        if (turn % 2 === 1) proxy.shut();
        else proxy.reopen();
        await owner.writeSecret({ name: "A", payload: String(turn) });
        endedAtMs[turn - 1] = performance.now();
      }
      drill.isOver = true;
    };
    const flapping = flap();
    const look = async (): Promise<void> => {
      const askedAtMs = performance.now();
      const { secret, servedFrom, ageMs = 0 } = await readOf(client, "A");
      told[servedFrom] += 1;
      // It was the truth when it was as old as it says; a millisecond is what an age is rounded by.
      expect(askedAtMs - ageMs - 1).toBeLessThanOrEqual(endedAtMs[Number(secret.payload)] ?? Infinity);
      expect(ageMs).toBeLessThanOrEqual(boundMs + 1);
    };
    while (!drill.isOver) {
      await look().catch((error: unknown) => {
        if (!isSecretError(error)) throw error;
        expect(error.reason).toMatch(/^(MANAGER_UNAVAILABLE|STALE_TOO_OLD)$/);
        told.refused += 1;
      });
      await pause(10);
    }
    await flapping;
    expect(told.stale, JSON.stringify(told)).toBeGreaterThan(0);
    proxy.reopen();
    await expect
      .poll(async () => await readOf(client, "A", 0).then(({ secret }) => secret.payload, String), patience)
      .toBe("20");
  });

  const one = (more: Partial<Secret> = {}): Secret => ({
    ...Secret.fromPartial({ name: "A", uid: "life-1", version: 3, payload: { $case: "text", value: "one" } }),
    ...more,
  });

  const lies: readonly (readonly [string, (request: ReadSecretRequest) => Partial<ReadSecretResponse>])[] = [
    ["of another name", () => ({ secret: one({ name: "B" }) })],
    ["of another version", () => ({ secret: one({ version: 2 }) })],
    ["without a payload", () => ({ secret: one({ payload: undefined }) })],
    ["without a secret", () => ({ secret: undefined })],
    ["that is too long", () => ({ secret: one({ payload: { $case: "binary", value: Buffer.alloc(1_048_577) } }) })],
    ["from a time to come", () => ({ secret: one(), age: { seconds: -5n, nanos: 0 } })],
    ["of an age that nobody keeps", () => ({ secret: one(), age: { seconds: 400n * 86_400n, nanos: 0 } })],
    ["at a time that there is not", () => ({ secret: one({ createTime: { seconds: 9n ** 18n, nanos: 0 } }) })],
    ["that says nothing has changed", () => ({ secret: one(), notModified: true })],
  ];

  it.each(lies)("lies with an answer %s is not believed, and not covered up", async (_, lie) => {
    let isLying = false;
    const central = await startMapBroker({
      read: (request) =>
        ReadSecretResponse.fromPartial({
          servedFrom: ServedFrom.CACHE,
          ...(isLying ? lie(request) : { secret: one(), age: { seconds: 0n, nanos: 0 } }),
        }),
    });
    onTestFinished(() => {
      central.stop();
    });
    const sidecar = await start(
      `{ kind: upstream, address: "${central.address}" }`,
      "  cache: { ttl: 1ms, max_stale: 1h, jitter: 0 }\n",
    );
    const client = clientOf(sidecar.address);
    expect(await client.readSecret({ name: "A", version: 3 })).toMatchObject({ secret: { payload: "one" } });
    isLying = true;
    await expect(client.readSecret({ name: "A", version: 3, maxStalenessMs: 0 })).rejects.toMatchObject({
      reason: "MANAGER_REPLY_INVALID",
    });
    await pause(5);
    await expect(client.readSecret({ name: "A", version: 3 })).rejects.toMatchObject({
      reason: "MANAGER_REPLY_INVALID",
    });
  });

  it("says of an old answer that it is old is held to the bound of whoever reads, and of the sidecar", async () => {
    const central = await startMapBroker({
      read: () =>
        ReadSecretResponse.fromPartial({
          secret: one(),
          servedFrom: ServedFrom.STALE,
          age: { seconds: 3_600n, nanos: 0 },
        }),
    });
    onTestFinished(() => {
      central.stop();
    });
    const upstream = `{ kind: upstream, address: "${central.address}" }`;
    const sidecar = await start(upstream, "  cache: { ttl: 50ms, max_stale: 2h }\n");
    const client = clientOf(sidecar.address);
    const told = await readOf(client, "A");
    expect(told).toMatchObject({ servedFrom: "stale", secret: { payload: "one" } });
    expect(told.ageMs).toBeGreaterThanOrEqual(3_600_000);
    const strict = clientOf((await start(upstream)).address);
    for (const refused of [
      client.readSecret({ name: "A", maxStalenessMs: 60_000 }),
      strict.readSecret({ name: "A" }),
    ]) {
      await expect(refused).rejects.toMatchObject({ reason: "STALE_TOO_OLD" });
    }
  });

  it("has let a version expire is not answered for", async () => {
    const expireTime = { seconds: BigInt(Math.floor(Date.now() / 1_000) - 60), nanos: 0 };
    const central = await startMapBroker({
      read: () => ReadSecretResponse.fromPartial({ secret: one({ expireTime }) }),
    });
    onTestFinished(() => {
      central.stop();
    });
    const sidecar = await start(`{ kind: upstream, address: "${central.address}" }`);
    await expect(clientOf(sidecar.address).readSecret({ name: "A" })).rejects.toMatchObject({
      reason: "SECRET_NOT_FOUND",
    });
  });
});
