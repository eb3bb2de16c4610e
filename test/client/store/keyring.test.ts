import { afterEach, describe, expect, it } from "vitest";
import { type Keyring, type Payload, SecretBrokerClient, type SecretSource } from "../../../src/client/index.js";
import { setUpStore, type StoreSetup } from "./open-store.js";

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function setUp(secrets: Record<string, string | Uint8Array>): Promise<StoreSetup> {
  const setup = await setUpStore(secrets);
  ends.push(() => setup.end());
  return setup;
}

const grace = { gracePeriodMs: 600_000 };
const quick = { freshForMs: 200, pollIntervalMs: 100, retry: { attempts: 1 }, timeoutMs: 1_000 };

/** A client that remembers which previous versions it was asked for, and the very payloads that it gave. */
function watched({ broker, later }: StoreSetup): SecretSource & { asked: unknown[]; given: Payload[] } {
  const client = new SecretBrokerClient(broker.address, quick);
  later(() => {
    client.close();
  });
  const asked: unknown[] = [];
  const given: Payload[] = [];
  return {
    asked,
    given,
    readSecret: (request, call) => client.readSecret(request, call),
    watchSecrets: (options) => client.watchSecrets(options),
    batchReadSecrets: async (request, call) => {
      const results = await client.batchReadSecrets(request, call);
      if (request.reads[0]?.version === undefined) return results;
      asked.push(request.reads.map(({ version }) => version));
      for (const result of results) {
        if (result.ok && !result.answer.notModified) given.push(result.answer.secret.payload);
      }
      return results;
    },
  };
}

function payloadsOf({ active, previous }: Keyring): Payload[] {
  return [active, ...previous].map(({ payload }) => payload);
}

describe("a keyring", () => {
  it("holds the version before for its period of grace, also for who starts in the midst of it", async () => {
    const { open, client } = await setUp({ A: "a1", OLD: "o1" });
    const early = await open({ secrets: ["A"], keyringGraceMs: 60_000 });
    await client.rotateSecret({ name: "A", payload: "a2", gracePeriodMs: 60_000 });
    await client.writeSecret({ name: "OLD", payload: "o2" });
    const late = await open({ secrets: ["A", "OLD"] });
    const both = { active: { version: 2, payload: "a2" }, previous: [{ version: 1, payload: "a1" }] };
    expect(await late.keyring("A")).toMatchObject(both);
    await expect.poll(() => early.get("A")).toBe("a2");
    expect(await early.keyring("A")).toMatchObject(both);
    expect(await late.keyring("OLD")).toMatchObject({ active: { version: 2, payload: "o2" }, previous: [] });
    await client.administration.freezeSecret({ name: "A", cause: "leaked" });
    await expect(early.keyring("A")).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
  });

  it("is whole for all who ask for it at once, and asked for once", async () => {
    const setup = await setUp({ A: "a1" });
    await setup.client.rotateSecret({ name: "A", payload: "a2", ...grace });
    const source = watched(setup);
    const store = await setup.open({ client: source, secrets: ["A"] });
    const rings = await Promise.all([store.keyring("A"), store.keyring("A"), store.keyring("A")]);
    for (const ring of rings) expect(payloadsOf(ring)).toEqual(["a2", "a1"]);
    expect(source.asked).toEqual([[1]]);
  });

  it("holds all versions that are in their period of grace, the newest first, and at most eight", async () => {
    const { open, client } = await setUp({ A: "a1" });
    for (const version of [2, 3, 4]) {
      await client.rotateSecret({ name: "A", payload: `a${String(version)}`, ...grace });
    }
    await client.destroySecret({ name: "A", version: 2 });
    const store = await open({ secrets: ["A"] });
    expect(payloadsOf(await store.keyring("A"))).toEqual(["a4", "a3", "a1"]);
    for (const version of [5, 6, 7, 8, 9, 10, 11]) {
      await client.rotateSecret({ name: "A", payload: `a${String(version)}`, ...grace });
    }
    await expect.poll(() => store.get("A")).toBe("a11");
    const newest = ["a11", "a10", "a9", "a8", "a7", "a6", "a5", "a4", "a3"];
    expect(payloadsOf(await store.keyring("A"))).toEqual(newest);
    expect(payloadsOf(await (await open({ secrets: ["A"] })).keyring("A"))).toEqual(newest);
  });

  it("says where it is from and how old it is, and is as new as is asked for", async () => {
    const setup = await setUp({ A: "a1" });
    await setup.client.rotateSecret({ name: "A", payload: "a2", ...grace });
    const source = watched(setup);
    const store = await setup.open({ client: source, secrets: ["A"] });
    const first = await store.keyring("A");
    expect(first).toMatchObject({ servedFrom: "cache", ageMs: expect.any(Number) as number });
    expect(await store.keyring("A", { maxStalenessMs: 60_000 })).toMatchObject({ servedFrom: "cache" });
    expect(source.asked).toHaveLength(1);
    const now = await store.keyring("A", { maxStalenessMs: 0 });
    expect(now).toMatchObject({ servedFrom: "manager" });
    expect(now.ageMs).toBeLessThan(1_000);
    expect(source.asked).toHaveLength(2);
  });
});

describe("a keyring in an outage", () => {
  it("is what is at hand, marked, and an error past the bound", async () => {
    const { open, client, broker } = await setUp({ A: "a1", B: "b1" });
    await client.rotateSecret({ name: "A", payload: "a2", ...grace });
    await client.rotateSecret({ name: "B", payload: "b2", ...grace });
    const store = await open({ ...quick, secrets: ["A", "B"], maxStalenessMs: 3_000 });
    await store.keyring("A");
    await broker.stop();
    await expect.poll(async () => (await store.keyring("A")).servedFrom).toBe("stale");
    const stale = await store.keyring("A");
    expect(payloadsOf(stale)).toEqual(["a2", "a1"]);
    expect(stale.ageMs).toBeLessThan(3_000);
    await expect(store.keyring("A", { maxStalenessMs: 1 })).rejects.toMatchObject({ reason: "STALE_TOO_OLD" });
    // Nobody knows which there are.
    await expect(store.keyring("B")).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    const isAnswered = (): Promise<boolean> =>
      store.keyring("A").then(
        () => true,
        () => false,
      );
    await expect.poll(isAnswered, { timeout: 10_000 }).toBe(false);
    // Dropped by then, or too old still: which of them is a matter of when the store looked last.
    const reason = expect.stringMatching(/^(?:STALE_TOO_OLD|MANAGER_UNAVAILABLE)$/) as string;
    await expect(store.keyring("A")).rejects.toMatchObject({ reason });
  });
});

describe("a previous version", () => {
  it("that was destroyed leaves the keyring and is overwritten, asked for or not", async () => {
    const setup = await setUp({ A: Uint8Array.of(1, 1), B: Uint8Array.of(1, 1) });
    for (const name of ["A", "B"]) {
      await setup.client.rotateSecret({ name, payload: Uint8Array.of(2, 2), ...grace });
    }
    const source = watched(setup);
    const store = await setup.open({ ...quick, client: source, secrets: ["A", "B"], keyringGraceMs: 600_000 });
    for (const name of ["A", "B"]) expect((await store.keyring(name)).previous).toHaveLength(1);
    for (const name of ["A", "B"]) await setup.client.destroySecret({ name, version: 1 });
    await expect.poll(async () => (await store.keyring("A")).previous).toEqual([]);
    // Nobody asks for that of B.
    await expect.poll(() => source.given.every((payload) => String(payload) === "0,0")).toBe(true);
  });

  it("is overwritten past the bound of an outage, and when the store is closed", async () => {
    for (const isAway of [true, false]) {
      const setup = await setUp({ A: Uint8Array.of(1, 1) });
      await setup.client.rotateSecret({ name: "A", payload: Uint8Array.of(2, 2), ...grace });
      const source = watched(setup);
      const store = await setup.open({ ...quick, client: source, secrets: ["A"], maxStalenessMs: 1_000 });
      const { previous } = await store.keyring("A");
      if (isAway) await setup.broker.stop();
      else store.close();
      await expect
        .poll(() => source.given.map(String), { timeout: 5_000 })
        .toSatisfy((given: string[]) => {
          return given.every((bytes) => bytes === "0,0");
        });
      expect(String(previous[0]?.payload)).toBe("1,1");
    }
  });
});
