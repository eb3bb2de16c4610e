import fc from "fast-check";
import { expect } from "vitest";
import type { Payload } from "../../src/domain/payload.js";
import { isSecretError } from "../../src/domain/secret-error.js";
import type { SecretStore } from "../../src/store/secret-store.js";
import { storeCall } from "./store-call.js";
import { StoreModel } from "./store-model.js";
import { TestClock } from "./open-test-store.js";

const startMs = Date.UTC(2026, 0, 1);
const dayMs = 86_400_000;

interface Pair {
  store: SecretStore;
  readonly model: StoreModel;
  readonly clock: TestClock;
  readonly open: OpenStore;
}

/** Opens the store of one sequence, again and again, once the one before is closed. */
type OpenStore = (clock: TestClock) => Promise<SecretStore>;

type Step = (pair: Pair) => Promise<void>;

const everyName = ["A", "B", "a/b", "a/c", "\u00e9", "\u{1f511}"];
/** Mostly the same two, so that something happens to them. */
const names = fc.oneof({ weight: 6, arbitrary: fc.constantFrom("A", "B") }, fc.constantFrom(...everyName));
const versionNumbers = fc.integer({ min: 1, max: 3 });
const payloads: fc.Arbitrary<Payload> = fc.oneof(
  fc.string({ maxLength: 20, unit: "grapheme" }),
  fc.uint8Array({ maxLength: 20 }),
);

/** The answer, or the reason of the refusal. */
async function outcome<T>(work: Promise<T> | T): Promise<T | string> {
  try {
    return await work;
  } catch (thrown) {
    if (isSecretError(thrown)) return thrown.reason;
    throw thrown;
  }
}

const writes: fc.Arbitrary<Step> = fc
  .tuple(names, payloads, fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined, freq: 4 }), fc.boolean())
  .map(([name, value, expectedVersion, activate]): Step => async ({ store, model }) => {
    const reply = await outcome(store.writeSecret(name, value, { expectedVersion, activate }, storeCall()));
    const expected = model.write(name, value, { expectedVersion, activate });
    expect(typeof reply === "string" ? reply : reply.version).toEqual(expected);
  });

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: writes },
  fc
    .tuple(names, fc.constantFrom(0, 1, 7), fc.option(versionNumbers, { nil: undefined, freq: 4 }))
    .map(([name, recoveryWindowInDays, expectedVersion]): Step => async ({ store, model }) => {
      const reply = await outcome(store.deleteSecret(name, { recoveryWindowInDays, expectedVersion }, storeCall()));
      const expected = model.delete(name, recoveryWindowInDays, expectedVersion);
      expect(typeof reply === "string" ? reply : reply.status).toBe(expected);
    }),
  names.map((name): Step => async ({ store, model }) => {
    const reply = await outcome(store.restoreSecret(name, {}, storeCall()));
    expect(typeof reply === "string" ? reply : "restored").toBe(model.restore(name));
  }),
  fc.tuple(names, names, payloads).map(([name, newName, value]): Step => async ({ store, model }) => {
    const reply = await outcome(store.rotateSecret(name, newName, value, {}, storeCall()));
    expect(typeof reply === "string" ? reply : reply.version).toEqual(model.rotate(name, newName, value));
  }),
  fc.tuple(names, versionNumbers).map(([name, version]): Step => async ({ store, model }) => {
    const reply = await outcome(store.activateSecretVersion(name, version, {}, storeCall()));
    expect(typeof reply === "string" ? reply : reply.activeVersion).toEqual(model.activate(name, version));
  }),
  fc.tuple(names, versionNumbers).map(([name, version]): Step => async ({ store, model }) => {
    const reply = await outcome(store.destroySecret(name, { version }, storeCall()).then(() => "destroyed"));
    expect(reply).toBe(model.destroyVersion(name, version));
  }),
  fc.tuple(names, versionNumbers).map(([name, version]): Step => async ({ store, model }) => {
    const reply = await outcome(store.readSecretVersion(name, version));
    expect(typeof reply === "string" ? reply : reply?.value).toEqual(model.readVersion(name, version));
  }),
  fc.tuple(fc.constantFrom("", "a/", "A"), fc.boolean()).map(([prefix, showDeleted]): Step => async (pair) => {
    expect(await listAll(pair.store, prefix, showDeleted)).toEqual(pair.model.list(prefix, showDeleted));
  }),
  fc.constantFrom(0, 1, 3, 8).map((days): Step => async ({ store, model, clock }) => {
    clock.pass(days * dayMs);
    model.nowMs = clock.wall();
    await store.maintenance.sweep();
  }),
  fc.constant<Step>(async (pair) => {
    await pair.store.close();
    pair.store = await pair.open(pair.clock);
  }),
);

async function listAll(store: SecretStore, prefix: string, showDeleted: boolean): Promise<string[]> {
  const found: string[] = [];
  let pageToken: string | undefined;
  do {
    const page = await store.listSecrets({ prefix, tags: {}, showDeleted, pageSize: 2, pageToken });
    found.push(...page.secrets.map(({ name }) => name));
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return found;
}

async function assertAlike({ store, model }: Pair): Promise<void> {
  for (const name of everyName) {
    const reply = await outcome(store.readSecret(name));
    expect(typeof reply === "string" ? reply : reply?.value).toEqual(model.read(name));
    const described = await store.describeSecret(name);
    const isLive = described !== undefined && described.deleteTime === undefined;
    expect(isLive ? (described.versions ?? []).map(({ version }) => version) : []).toEqual(model.versions(name));
  }
}

/** Where a store that is put beside the model is kept. */
export interface StorePlace {
  /** Gives a place that nothing was in, for one sequence. */
  readonly make: () => Promise<{ readonly open: OpenStore; readonly remove: () => Promise<void> }>;
  /** How many sequences. */
  readonly runs: number;
  /** Seeds of sequences that once failed, run first for ever. */
  readonly regressions?: readonly number[];
}

/** Does random things to a store and to the model, with restarts and clocks that run, and compares what shows. */
export async function assertKeepsToModel({ make, runs, regressions = [] }: StorePlace): Promise<void> {
  const run = fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 40, size: "max" }), async (sequence) => {
    const { open, remove } = await make();
    const clock = new TestClock(startMs);
    const pair: Pair = { store: await open(clock), model: new StoreModel(startMs), clock, open };
    try {
      for (const step of sequence) {
        await step(pair);
        await assertAlike(pair);
      }
    } finally {
      await pair.store.close();
      await remove();
    }
  });
  for (const seed of regressions) await fc.assert(run, { seed, numRuns: 1 });
  await fc.assert(run, { numRuns: runs });
}
