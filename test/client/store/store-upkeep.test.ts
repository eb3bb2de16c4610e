import { describe, expect, it } from "vitest";
import type { SecretError as ClientError } from "../../../src/client/index.js";
import { SecretError } from "../../../src/domain/secret-error.js";
import { SecretStore } from "../../../src/client/store/secret-store.js";
import { ScriptedSource, secretOf } from "./scripted-source.js";
import { seededRandom, SimulatedClock } from "./simulated-clock.js";
import { unavailable } from "./simulated-broker.js";

const bounds = { pollIntervalMs: 2_000, freshForMs: 5_000, maxStalenessMs: 10_000 };

interface Setup {
  readonly clock: SimulatedClock;
  readonly source: ScriptedSource;
  readonly store: SecretStore;
  readonly problems: ClientError[];
  readonly fail: (failure: SecretError | undefined) => void;
}

/** A store of a broker that is polled, and fails for B alone when the test says so. */
async function open(): Promise<Setup> {
  const clock = new SimulatedClock();
  const problems: ClientError[] = [];
  let failure: SecretError | undefined;
  const source = new ScriptedSource((name) => {
    if (name === "B" && failure !== undefined) throw failure;
    return secretOf(name, 1, name);
  });
  source.canWatch = false;
  const store = new SecretStore(source, {
    secrets: ["A", "B"],
    ...bounds,
    clock,
    random: seededRandom(30),
    onProblem: (problem) => {
      if (problem.reason !== "CAPABILITY_UNSUPPORTED") problems.push(problem);
    },
  });
  await store.start();
  await clock.advance(10);
  return { clock, source, store, problems, fail: (given) => (failure = given) };
}

describe("a name that cannot be had", () => {
  it.each([
    ["is corrupt", new SecretError("PAYLOAD_CORRUPT", "bytes do not verify")],
    ["is of a manager that is away", unavailable()],
    ["asks for patience", new SecretError("RATE_LIMITED", "later", { retryAfterMs: 20_000 })],
  ])("as it %s slows no other", async (_which, failure) => {
    const { clock, source, store, problems, fail } = await open();
    fail(failure);
    source.batches.length = 0;
    for (let second = 0; second < 300; second += 1) {
      await clock.advance(1_000);
      expect(store.answer("A").ageMs).toBeLessThan(bounds.freshForMs);
    }
    expect(store.has("B")).toBe(false);
    const asked = source.batches.filter((names) => names.includes("B"));
    expect(asked.length).toBeGreaterThan(5);
    expect(asked.length).toBeLessThan(25);
    expect(new Set(problems.map(({ reason }) => reason))).toEqual(new Set([failure.reason]));
    fail(undefined);
    await clock.advance(51_000);
    expect(store.get("B")).toBe("B");
    store.close();
  });
});

describe("a broker that cannot be reached", () => {
  it("is asked for everything less and less often", async () => {
    const { clock, source, store, problems } = await open();
    let calls = 0;
    source.batchReadSecrets = () => {
      calls += 1;
      return Promise.reject(unavailable());
    };
    await clock.advance(300_000);
    expect(calls).toBeGreaterThan(5);
    expect(calls).toBeLessThan(25);
    expect(problems).toHaveLength(calls);
    store.close();
  });
});
