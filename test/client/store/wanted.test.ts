import { describe, expect, it } from "vitest";
import type { SecretErrorReason } from "../../../src/client/index.js";
import { SecretError } from "../../../src/domain/secret-error.js";
import { SecretStore } from "../../../src/client/store/secret-store.js";
import { ScriptedSource, secretOf } from "./scripted-source.js";
import { SimulatedBroker } from "./simulated-broker.js";
import { seededRandom, SimulatedClock } from "./simulated-clock.js";
import { SimulatedTruth } from "./simulated-truth.js";

const minuteMs = 60_000;
const bounds = { maxStalenessMs: 3 * minuteMs, freshForMs: minuteMs, pollIntervalMs: 15_000, negativeTtlMs: 2_000 };

function reasonOf(store: SecretStore, name: string): SecretErrorReason | undefined {
  try {
    store.answer(name);
    return undefined;
  } catch (error) {
    return (error as SecretError).reason;
  }
}

describe.each([
  ["tells of changes", true],
  ["is polled", false],
])("a name that was asked for once, of a broker that %s", (_which, canWatch) => {
  async function world(): Promise<{
    readonly clock: SimulatedClock;
    readonly truth: SimulatedTruth;
    readonly broker: SimulatedBroker;
    readonly store: SecretStore;
    readonly read: (name: string) => Promise<unknown>;
  }> {
    const clock = new SimulatedClock();
    const truth = new SimulatedTruth(clock.now, ["A", "B"]);
    const broker = new SimulatedBroker({ clock, truth, random: seededRandom(20), skewMs: 0 });
    broker.canWatch = canWatch;
    const store = new SecretStore(broker, { secrets: ["A"], ...bounds, clock, random: seededRandom(21) });
    const started = store.start();
    await clock.advance(1_000);
    await started;
    const read = async (name: string): Promise<unknown> => {
      const asked = store.read(name).catch((error: unknown) => error);
      await clock.advance(1_000);
      return await asked;
    };
    return { clock, truth, broker, store, read };
  }

  it("is there again after an outage beyond the bound", async () => {
    const { clock, truth, broker, store, read } = await world();
    await read("B");
    broker.become("cut");
    await clock.advance(bounds.maxStalenessMs + 5_000);
    expect(reasonOf(store, "B")).toBe("STALE_TOO_OLD");
    await clock.advance(minuteMs);
    expect(reasonOf(store, "B")).toBe("STALE_TOO_OLD");
    truth.rotate("B");
    broker.become("up");
    await clock.advance(minuteMs);
    expect(store.answer("B")).toMatchObject({ version: 2, servedFrom: "cache" });
    store.close();
  });

  it("is there again after it was deleted, and made anew long after", async () => {
    const { clock, truth, store, read } = await world();
    await read("B");
    truth.set("B", undefined);
    await clock.advance(10 * minuteMs);
    expect(reasonOf(store, "B")).toBe("SECRET_NOT_FOUND");
    truth.create("B");
    await clock.advance(20_000);
    expect(reasonOf(store, "B")).toBeUndefined();
    store.close();
  });

  it("is there when it comes to be, though it was not when it was asked for", async () => {
    const { clock, truth, broker, store, read } = await world();
    expect(await read("NEW")).toMatchObject({ reason: "SECRET_NOT_FOUND" });
    broker.become("cut");
    expect(await read("B")).toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    await clock.advance(minuteMs);
    expect(["NEW", "B", "NEVER"].map((name) => reasonOf(store, name))).toEqual([
      "SECRET_NOT_FOUND",
      "MANAGER_UNAVAILABLE",
      "FIELD_INVALID",
    ]);
    truth.create("NEW");
    broker.become("up");
    await clock.advance(minuteMs);
    expect(["NEW", "B"].map((name) => reasonOf(store, name))).toEqual([undefined, undefined]);
    store.close();
  });
});

describe("why there is nothing", () => {
  it("is the broker's word as soon as it can be had", async () => {
    const clock = new SimulatedClock();
    const source = new ScriptedSource((name) => {
      throw new SecretError("MANAGER_UNAVAILABLE", `"${name}" cannot be had`);
    });
    const store = new SecretStore(source, { ...bounds, clock });
    await store.start();
    await expect(store.read("B")).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    await clock.advance(5 * minuteMs);
    expect([reasonOf(store, "B"), source.watched.has("B")]).toEqual(["MANAGER_UNAVAILABLE", true]);
    source.tell({ kind: "removal", name: "B", uid: undefined, revision: 2n });
    await clock.advance(10);
    expect(reasonOf(store, "B")).toBe("SECRET_NOT_FOUND");
    store.close();
  });
});

describe("what is not kept fresh", () => {
  it("is what this caller is not to have, and why is known", async () => {
    const clock = new SimulatedClock();
    const source = new ScriptedSource((name) => {
      throw new SecretError("KEY_NOT_HOSTED", `"${name}" is not hosted`);
    });
    const store = new SecretStore(source, { ...bounds, clock });
    await store.start();
    await expect(store.read("FOREIGN")).rejects.toMatchObject({ reason: "KEY_NOT_HOSTED" });
    await clock.advance(5 * minuteMs);
    expect(reasonOf(store, "FOREIGN")).toBe("KEY_NOT_HOSTED");
    expect([source.batches.length, source.watched.size]).toEqual([0, 0]);
    store.close();
  });

  it("is what was given up for others, be they there or not", async () => {
    const clock = new SimulatedClock();
    const source = new ScriptedSource((name) => {
      if (name.startsWith("GONE")) throw SecretError.notFound(name);
      return secretOf(name, 1, name);
    });
    const store = new SecretStore(source, { secrets: ["A"], ...bounds, clock, maxEntries: 2 });
    await store.start();
    for (const name of ["B", "C", "D"]) {
      await clock.advance(1);
      await store.read(name);
    }
    expect(["B", "C", "D"].map((name) => reasonOf(store, name))).toEqual(["FIELD_INVALID", undefined, undefined]);
    for (let index = 0; index <= 1_000; index += 1) {
      await store.read(`GONE_${String(index)}`).catch(() => undefined);
    }
    await clock.advance(1);
    expect(["A", "C", "D", "GONE_1", "GONE_1000"].map((name) => reasonOf(store, name))).toEqual([
      undefined,
      undefined,
      undefined,
      "SECRET_NOT_FOUND",
      "SECRET_NOT_FOUND",
    ]);
    expect(reasonOf(store, "GONE_0")).toBe("FIELD_INVALID");
    expect([source.watched.size, source.watched.has("B"), source.watched.has("GONE_0")]).toEqual([1_003, false, false]);
    store.close();
  });
});
