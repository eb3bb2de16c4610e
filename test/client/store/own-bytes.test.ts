import { describe, expect, it } from "vitest";
import { SecretStore } from "../../../src/client/store/secret-store.js";
import type { StoreOptions } from "../../../src/client/store/store-options.js";
import { ScriptedSource, secretOf } from "./scripted-source.js";
import { SimulatedClock } from "./simulated-clock.js";

const bytes = [1, 2, 3];
const removal = { kind: "removal", name: "A", uid: undefined, revision: 2n } as const;

/** A source whose reads wait until they are let go, all in one turn. */
function heldUp(): { readonly source: ScriptedSource; readonly letGo: () => void } {
  const gate = Promise.withResolvers<void>();
  const source = new ScriptedSource(async (name) => {
    await gate.promise;
    return secretOf(name, 1, Uint8Array.from(bytes));
  });
  return { source, letGo: gate.resolve };
}

describe("what a reader is given", () => {
  it("stays what it is while others take the room of what was read", async () => {
    const { source, letGo } = heldUp();
    const store = new SecretStore(source, { maxEntries: 1, clock: new SimulatedClock() });
    await store.start();
    const reads = ["A", "B", "C", "A"].map((name) => store.read(name));
    letGo();
    const payloads = (await Promise.all(reads)).map(({ payload }) => payload);
    expect(payloads).toEqual(payloads.map(() => Uint8Array.from(bytes)));
    expect(new Set(payloads).size).toBe(payloads.length);
    // One call for both who asked for A: what was given up meanwhile is still the answer.
    expect(source.reads).toBe(3);
    store.close();
    expect(payloads).toEqual(payloads.map(() => Uint8Array.from(bytes)));
  });

  it.each(Array.from({ length: 10 }, (_, turns) => turns))(
    "is the value or the error when it is taken back within the same turn (%i)",
    async (turns) => {
      const clock = new SimulatedClock();
      let version = 1;
      const gate = Promise.withResolvers<void>();
      const source = new ScriptedSource(async (name) => {
        if (version > 1) await gate.promise;
        return secretOf(name, version, Uint8Array.from(bytes));
      });
      const store = new SecretStore(source, { secrets: ["A"], clock });
      await store.start();
      await clock.advance(10);
      version = 2;
      const read = store.read("A", { maxStalenessMs: 0 });
      const [first, second] = turns % 2 === 0 ? [gate.resolve, tell] : [tell, gate.resolve];
      function tell(): void {
        source.tell(removal);
      }
      first();
      for (let turn = 0; turn < turns / 2; turn += 1) await Promise.resolve();
      second();
      const outcome = await read.then(
        ({ payload }) => payload,
        (error: unknown) => error,
      );
      if (outcome instanceof Uint8Array) expect(outcome).toEqual(Uint8Array.from(bytes));
      else expect(outcome).toMatchObject({ reason: "SECRET_NOT_FOUND" });
      store.close();
    },
  );

  it("is a copy also of what a source keeps in a Buffer", async () => {
    const source = new ScriptedSource((name) => secretOf(name, 1, Buffer.from(bytes)));
    const store = new SecretStore(source, { secrets: ["A"], clock: new SimulatedClock() });
    await store.start();
    const [answered, read] = [store.answer("A"), await store.read("A")];
    store.close();
    for (const { payload } of [answered, read]) expect(payload).toEqual(Uint8Array.from(bytes));
  });
});

describe("the bytes a store holds are overwritten", () => {
  /** A store with these bytes, of which the test sees those that the store holds itself. */
  async function open(options: StoreOptions): Promise<{
    readonly clock: SimulatedClock;
    readonly source: ScriptedSource;
    readonly store: SecretStore;
    readonly given: Uint8Array[];
  }> {
    const clock = new SimulatedClock();
    const given: Uint8Array[] = [];
    const source = new ScriptedSource((name) => {
      const payload = Uint8Array.from([...bytes, given.length]);
      given.push(payload);
      return secretOf(name, given.length, payload);
    });
    const store = new SecretStore(source, { clock, ...options });
    await store.start();
    await clock.advance(10);
    return { clock, source, store, given };
  }
  const wiped = Uint8Array.of(0, 0, 0, 0);

  it("when the store is closed", async () => {
    const { store, given } = await open({ secrets: ["A", "B"] });
    await store.read("C");
    expect(given).toHaveLength(3);
    expect(given).not.toContainEqual(wiped);
    store.close();
    expect(given).toEqual([wiped, wiped, wiped]);
  });

  it("when it is revoked", async () => {
    const { clock, source, store, given } = await open({ secrets: ["A", "B"] });
    source.tell(removal);
    await clock.advance(10);
    expect(store.has("A")).toBe(false);
    expect(given).toEqual([wiped, Uint8Array.of(...bytes, 1)]);
    store.close();
  });

  it("when another version takes its place", async () => {
    const { clock, source, store, given } = await open({ secrets: ["A"] });
    source.tell({ kind: "change", secret: secretOf("A", 2, Uint8Array.of(9)), revision: 2n });
    await clock.advance(10);
    expect(store.getBytes("A")).toEqual(Uint8Array.of(9));
    expect(given).toEqual([wiped]);
    store.close();
  });

  it("when others need the room", async () => {
    const { store, given } = await open({ maxEntries: 1 });
    await store.read("A");
    await store.read("B");
    expect(given).toEqual([wiped, Uint8Array.of(...bytes, 1)]);
    store.close();
  });

  it("when it is too old for anybody", async () => {
    const { clock, source, store, given } = await open({ secrets: ["A"], maxStalenessMs: 10_000 });
    source.batchReadSecrets = () => new Promise(() => undefined);
    await clock.advance(15_000);
    expect(store.has("A")).toBe(false);
    expect(given).toEqual([wiped]);
    store.close();
  });
});
