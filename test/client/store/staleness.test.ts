import { describe, expect, it } from "vitest";
import { isSecretError, type SecretStore, type StoreAnswer } from "../../../src/client/index.js";
import { parseSecretName } from "../../../src/domain/secret-name.js";
import { SecretStore as Store } from "../../../src/client/store/secret-store.js";
import type { StoreOptions } from "../../../src/client/store/store-options.js";
import type { SecretSource } from "../../../src/client/store/store-source.js";
import { seededRandom, SimulatedClock } from "./simulated-clock.js";
import { SimulatedBroker, unavailable } from "./simulated-broker.js";
import { SimulatedTruth } from "./simulated-truth.js";

const names = ["A", "B", "C", "D", "E"];
const minuteMs = 60_000;
const bounds = { maxStalenessMs: 3 * minuteMs, freshForMs: minuteMs, pollIntervalMs: 15_000, negativeTtlMs: 2_000 };

class World {
  readonly clock = new SimulatedClock();
  readonly random: () => number;
  readonly truth: SimulatedTruth;
  readonly broker: SimulatedBroker;
  readonly store: SecretStore;
  answers = 0;
  marked = 0;
  refused = 0;
  #lastBadAtMs = 0;

  constructor(seed: number, options: StoreOptions = {}) {
    const { clock } = this;
    this.random = seededRandom(seed);
    this.truth = new SimulatedTruth(clock.now, names);
    const skewMs = (this.random() - 0.5) * 10 * minuteMs;
    this.broker = new SimulatedBroker({ clock, truth: this.truth, random: this.random, skewMs });
    const secrets = ["A", "B", "C"];
    this.store = new Store(this.broker, { secrets, ...bounds, clock, random: this.random, ...options });
  }

  async start(): Promise<void> {
    const started = this.store.start();
    await this.clock.advance(5_000);
    await started;
  }

  /** Whether nothing has been wrong for some time. */
  isCalmSince(ms: number): boolean {
    return this.clock.now() - this.#lastBadAtMs > ms;
  }

  /** Something happens to the secrets, the network or the manager. */
  happen(): void {
    const { broker, truth } = this;
    const name = names[Math.floor(this.random() * names.length)] ?? "A";
    const dice = this.random();
    if (dice < 0.3) truth.rotate(name);
    else if (dice < 0.35) this.#rotateForAWhile(name);
    else if (dice < 0.5) truth.set(name, undefined);
    else if (dice < 0.6) truth.create(name);
    else if (dice < 0.7) broker.become("cut");
    else if (dice < 0.8) broker.become("silent");
    else if (dice < 0.95) broker.become("up");
    else broker.isManagerUp = !broker.isManagerUp;
  }

  #rotateForAWhile(name: string): void {
    const lifetimeMs = this.random() * minuteMs;
    this.truth.rotate(name, new Date(this.clock.wallMs() + lifetimeMs));
    const state = this.truth.at(name, this.clock.now());
    this.clock.after(lifetimeMs, () => {
      if (this.truth.at(name, this.clock.now()) === state) this.truth.set(name, undefined);
    });
  }

  /** Everything heals. */
  heal(): void {
    this.broker.become("up");
    this.broker.isManagerUp = true;
  }

  /** Asks for everything in every way, and compares each answer with the truth. */
  look(): void {
    if (this.broker.network !== "up" || !this.broker.isManagerUp) this.#lastBadAtMs = this.clock.now();
    for (const name of names) {
      this.#look(name, undefined);
      this.#look(name, this.random() * bounds.maxStalenessMs);
      if (this.random() > 0.05) continue;
      const maxStalenessMs = this.random() < 0.5 ? undefined : this.random() * bounds.maxStalenessMs;
      const asked = this.store.read(name, { maxStalenessMs });
      asked.then((answer) => this.check(answer, maxStalenessMs), refuse);
    }
  }

  check(answer: StoreAnswer, maxStalenessMs: number = bounds.maxStalenessMs): void {
    this.answers += 1;
    const nowMs = this.clock.now();
    const { name, payload, ageMs, servedFrom } = answer;
    expect(ageMs).toBeLessThanOrEqual(Math.min(maxStalenessMs, bounds.maxStalenessMs));
    const wasTrue = this.truth.held(name, payload, [nowMs - ageMs, nowMs]);
    expect({ name, nowMs, ageMs, wasTrue }).toEqual({ name, nowMs, ageMs, wasTrue: true });
    const expiresMs = this.truth.expiryOf(name, payload)?.getTime() ?? Infinity;
    expect(expiresMs).toBeGreaterThan(this.clock.wallMs());
    if (ageMs > bounds.freshForMs) expect(servedFrom).toBe("stale");
    if (servedFrom === "stale") this.marked += 1;
  }

  #look(name: string, maxStalenessMs: number | undefined): void {
    try {
      this.check(this.store.answer(name, { maxStalenessMs }), maxStalenessMs);
    } catch (error) {
      if (!isSecretError(error)) throw error;
      this.refused += 1;
    }
  }
}

function refuse(error: unknown): void {
  if (!isSecretError(error)) throw error;
}

describe("no answer is older than it says, and none is older than accepted", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "through 20 minutes of rotations, revocations and partitions (%i)",
    async (seed) => {
      // With room for both others, and for one of them.
      const world = new World(seed, { maxEntries: 1 + (seed % 2) });
      await world.start();
      for (let second = 0; second < 20 * 60; second += 1) {
        if (world.random() < 0.08) world.happen();
        // Now and then long enough for all to be well.
        if (second % 300 === 0) world.heal();
        await world.clock.advance(1_000);
        world.look();
      }
      expect(world.answers).toBeGreaterThan(3_000);
      expect(world.refused).toBeGreaterThan(100);
      world.store.close();
      await world.clock.advance(2 * minuteMs);
      expect([world.clock.pending, world.broker.watches]).toEqual([0, 0]);
    },
  );

  it("when the broker cannot tell of changes", async () => {
    const world = new World(9);
    world.broker.canWatch = false;
    await world.start();
    for (let second = 0; second < 10 * 60; second += 1) {
      if (second % 7 === 0) world.truth.rotate(names[second % names.length] ?? "A");
      await world.clock.advance(1_000);
      world.look();
      for (const name of ["A", "B", "C"]) expect(world.store.answer(name).ageMs).toBeLessThan(27_000);
    }
    world.store.close();
  });
});

describe("when all is well", () => {
  it("a change is there within moments, and nothing ages", async () => {
    const world = new World(10);
    await world.start();
    const callsBefore = world.broker.calls;
    for (let round = 0; round < 50; round += 1) {
      world.truth.rotate("A");
      await world.clock.advance(300);
      expect(world.store.get("A")).toBe(world.truth.at("A", world.clock.now())?.payload);
      await world.clock.advance(60_000);
      for (const name of ["A", "B", "C"]) expect(world.store.answer(name)).toMatchObject({ servedFrom: "cache" });
    }
    // The stream says it all: hardly a call was made.
    expect(world.broker.calls - callsBefore).toBeLessThan(25);
    world.store.close();
  });

  it("what is revoked is gone within moments, and after a heal within seconds", async () => {
    const world = new World(11);
    await world.start();
    for (let round = 0; round < 20; round += 1) {
      world.truth.set("A", undefined);
      await world.clock.advance(300);
      expect(world.store.has("A")).toBe(false);
      world.truth.create("A");
      await world.clock.advance(20_000);
      world.broker.become(round % 2 === 0 ? "cut" : "silent");
      world.truth.set("A", undefined);
      await world.clock.advance(20_000);
      world.heal();
      await world.clock.advance(70_000);
      expect(world.store.has("A")).toBe(false);
      world.truth.create("A");
      await world.clock.advance(10_000);
      expect(world.store.get("A")).toBe(world.truth.at("A", world.clock.now())?.payload);
    }
    world.store.close();
  });
});

describe("an outage", () => {
  it("is lived through up to the bound, marked, and refused after it", async () => {
    const world = new World(12);
    await world.start();
    await world.clock.advance(30_000);
    world.broker.become("cut");
    const before = world.store.get("A");
    await world.clock.advance(2 * minuteMs);
    expect(world.store.answer("A")).toMatchObject({ payload: before, servedFrom: "stale" });
    expect(await world.store.read("B", { maxStalenessMs: 2.9 * minuteMs })).toMatchObject({ servedFrom: "stale" });
    expect(() => world.store.get("A", { maxStalenessMs: minuteMs })).toThrow(/was last known to be current \d+ ms ago/);
    await world.clock.advance(1.5 * minuteMs);
    const failure = { reason: "STALE_TOO_OLD", metadata: { name: "A" } };
    expect(() => world.store.get("A")).toThrow(expect.objectContaining({ reason: failure.reason }));
    world.truth.rotate("A");
    world.heal();
    await world.clock.advance(minuteMs);
    expect(world.store.answer("A")).toMatchObject({ version: 2, servedFrom: "cache" });
    world.store.close();
  });

  it("is not followed by a thundering herd", async () => {
    const clock = new SimulatedClock();
    const truth = new SimulatedTruth(clock.now, names);
    const broker = new SimulatedBroker({ clock, truth, random: seededRandom(13), skewMs: 0 });
    const stores = Array.from({ length: 200 }, (_, index) => {
      const random = seededRandom(1_000 + index);
      return new Store(broker, { secrets: ["A"], ...bounds, clock, random });
    });
    const started = Promise.all(stores.map((store) => store.start()));
    await clock.advance(2_000);
    await started;
    broker.become("cut");
    await clock.advance(20_000);
    broker.become("up");
    const connected: number[] = [];
    for (let tenths = 0; tenths < 400 && broker.watches < stores.length; tenths += 1) {
      await clock.advance(100);
      connected.push(broker.watches);
    }
    const arrivals = connected.map((count, index) => count - (connected[index - 1] ?? 0));
    expect(broker.watches).toBe(stores.length);
    // Never more than a fifth of all within a tenth of a second.
    expect(Math.max(...arrivals)).toBeLessThan(stores.length / 5);
    for (const store of stores) store.close();
  });
});

describe("an answer of a broker that keeps answers for long", () => {
  /** A broker that tells how old its one value is, when a test lets it. */
  function patientBroker(
    clock: SimulatedClock,
    agesMs: readonly number[],
  ): SecretSource & { readonly asked: unknown[] } {
    const asked: unknown[] = [];
    return {
      asked,
      readSecret: async ({ maxStalenessMs }) => {
        const ageMs = agesMs[asked.push(maxStalenessMs) - 1] ?? 0;
        await clock.sleep(100);
        const secret = { name: parseSecretName("A"), payload: "old" };
        return { notModified: false, secret, servedFrom: "cache", ageMs };
      },
      batchReadSecrets: () => Promise.reject(unavailable()),
      watchSecrets: () => new SimulatedBroker({ clock, truth, random: Math.random, skewMs: 0 }).watchSecrets(),
    };
  }
  const truth = new SimulatedTruth(() => 0, names);

  it.each([
    ["that is kept", 1],
    ["there is no room for", 0],
  ])("%s is asked for within the store's bound, and refused past it", async (_which, maxEntries) => {
    const clock = new SimulatedClock();
    const source = patientBroker(clock, [4 * minuteMs, 4 * minuteMs, 2 * minuteMs]);
    const store = new Store(source, { ...bounds, clock, maxEntries });
    const refused = store.read("A");
    const failure = expect(refused).rejects.toMatchObject({ reason: "STALE_TOO_OLD", metadata: { name: "A" } });
    await clock.advance(1_000);
    await failure;
    const marked = store.read("A");
    await clock.advance(1_000);
    expect(await marked).toMatchObject({ payload: "old", servedFrom: "stale" });
    expect(source.asked).toEqual([bounds.maxStalenessMs, bounds.maxStalenessMs, bounds.maxStalenessMs]);
    store.close();
  });

  it("is not given to who joins the question and wants a newer one", async () => {
    const clock = new SimulatedClock();
    const source = patientBroker(clock, [2 * minuteMs, 0]);
    const store = new Store(source, { ...bounds, clock });
    const [any, newer] = [store.read("A"), store.read("A", { maxStalenessMs: 10_000 })];
    await clock.advance(1_000);
    expect((await any).ageMs).toBeGreaterThan(minuteMs);
    expect((await newer).ageMs).toBeLessThan(10_000);
    expect(source.asked).toEqual([bounds.maxStalenessMs, 10_000]);
    store.close();
  });
});
