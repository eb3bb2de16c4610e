import { describe, expect, it } from "vitest";
import { SecretStore } from "../../../src/client/store/secret-store.js";
import { ScriptedSource, secretOf } from "./scripted-source.js";
import { SimulatedClock } from "./simulated-clock.js";

const answerMs = 3_000;

describe.each([
  ["that is kept", 1],
  ["there is no room for", 0],
])("an answer that takes longer than it may be old, %s,", (_which, maxEntries) => {
  /** Reads once; every answer of the broker takes three seconds, or less from some read on. */
  async function read(
    bounds: { readonly own: number; readonly asked?: number },
    quickFrom = Infinity,
  ): Promise<{ readonly outcome: unknown; readonly reads: number }> {
    const clock = new SimulatedClock();
    const source: ScriptedSource = new ScriptedSource(async (name) => {
      await clock.sleep(source.reads < quickFrom ? answerMs : 10);
      return secretOf(name, 1, "a");
    });
    const store = new SecretStore(source, { clock, maxStalenessMs: bounds.own, maxEntries });
    await store.start();
    const asked = store.read("A", { maxStalenessMs: bounds.asked });
    const outcome = asked.catch((error: unknown) => error);
    await clock.advance(3 * answerMs);
    store.close();
    return { outcome: await outcome, reads: source.reads };
  }

  it.each([
    ["the store's bound", { own: 1_000 }],
    ["the reader's bound", { own: 60_000, asked: 500 }],
  ])("is older than %s: it is asked for once more, and then the error", async (_bound, bounds) => {
    const { outcome, reads } = await read(bounds);
    expect(outcome).toMatchObject({ reason: "STALE_TOO_OLD", metadata: { name: "A" } });
    expect(reads).toBe(2);
    expect(await read(bounds, 2)).toMatchObject({ outcome: { payload: "a", ageMs: 10 }, reads: 2 });
  });

  it("is what was asked for when it had to be read after the question, and tells its age", async () => {
    expect(await read({ own: 1_000, asked: 0 })).toMatchObject({
      outcome: { payload: "a", ageMs: answerMs },
      reads: 1,
    });
  });

  it("is good enough for whoever accepts its age", async () => {
    expect(await read({ own: 60_000, asked: answerMs })).toMatchObject({ outcome: { payload: "a", ageMs: answerMs } });
  });
});
