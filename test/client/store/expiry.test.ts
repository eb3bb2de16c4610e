import { describe, expect, it } from "vitest";
import type { Secret, StoreChange } from "../../../src/client/index.js";
import { SecretStore } from "../../../src/client/store/secret-store.js";
import { SteadyClock } from "../../../src/client/store/store-clock.js";
import { ScriptedSource, secretOf } from "./scripted-source.js";
import { SimulatedClock } from "./simulated-clock.js";
import { unavailable } from "./simulated-broker.js";

const lifetimeMs = 30_000;

/** A store with a secret that expires, of a broker that goes away when the test says so. */
async function open(clock: SimulatedClock): Promise<{
  readonly store: SecretStore;
  readonly payload: Uint8Array;
  readonly become: (secret: Secret | undefined) => void;
  readonly changes: StoreChange[];
}> {
  const payload = Uint8Array.of(1, 2, 3);
  const expireTime = new Date(clock.wallMs() + lifetimeMs);
  let current: Secret | undefined = { ...secretOf("A", 1, payload), expireTime };
  const source = new ScriptedSource(() => {
    if (current === undefined) throw unavailable();
    return current;
  });
  source.canWatch = false;
  const store = new SecretStore(source, { secrets: ["A"], pollIntervalMs: 1_000, negativeTtlMs: 0, clock });
  await store.start();
  const changes: StoreChange[] = [];
  store.onChange((change) => changes.push(change));
  const become = (secret: Secret | undefined): void => {
    current = secret;
  };
  return { store, payload, become, changes };
}

describe("a secret that expires", () => {
  it("is given up to then and not after, whatever the bounds and the broker", async () => {
    const clock = new SimulatedClock();
    const { store, payload, become, changes } = await open(clock);
    become(undefined);
    await clock.advance(lifetimeMs - 1);
    expect(store.getBytes("A")).toEqual(Uint8Array.of(1, 2, 3));
    await clock.advance(1);
    const failure = { reason: "SECRET_NOT_FOUND", message: 'secret "A" has expired' };
    expect(store.has("A")).toBe(false);
    expect(() => store.getBytes("A")).toThrow(expect.objectContaining(failure));
    expect([...payload]).toEqual([0, 0, 0]);
    expect(changes).toEqual([{ kind: "removed", name: "A" }]);
    await expect(store.read("A")).rejects.toMatchObject({ reason: "MANAGER_UNAVAILABLE" });
    expect(() => store.getBytes("A")).toThrow(expect.objectContaining(failure));
    become(secretOf("A", 2, "new"));
    await clock.advance(60_000);
    expect(store.get("A")).toBe("new");
    store.close();
  });

  it("is overwritten though nobody asks for it", async () => {
    const clock = new SimulatedClock();
    const { store, payload, become } = await open(clock);
    become(undefined);
    await clock.advance(lifetimeMs + 5_000);
    expect([...payload]).toEqual([0, 0, 0]);
    store.close();
  });

  it("is judged by the time of day, which may be set", async () => {
    const clock = new SimulatedClock();
    let setByMs = 0;
    const source = new ScriptedSource(() => ({ ...secretOf("A", 1, "a"), expireTime: new Date(lifetimeMs) }));
    const wallMs = (): number => setByMs;
    const store = new SecretStore(source, {
      secrets: ["A"],
      clock: { now: clock.now, after: clock.after.bind(clock), wallMs },
    });
    await store.start();
    await clock.advance(2 * lifetimeMs);
    expect(store.get("A")).toBe("a");
    setByMs = lifetimeMs;
    expect(store.has("A")).toBe(false);
    store.close();
  });

  it("is not taken from a broker whose clock is behind", async () => {
    const clock = new SimulatedClock();
    const expireTime = new Date(clock.wallMs());
    const source = new ScriptedSource(() => ({ ...secretOf("A", 1, "a"), expireTime }));
    const store = new SecretStore(source, { clock });
    await store.start();
    await expect(store.read("A")).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
    expect(store.has("A")).toBe(false);
    store.close();
  });

  it("is given longer where its end was moved", async () => {
    const clock = new SimulatedClock();
    const { store, payload, become } = await open(clock);
    become({ ...secretOf("A", 1, new Uint8Array(payload)), expireTime: new Date(clock.wallMs() + 2 * lifetimeMs) });
    await clock.advance(lifetimeMs + 5_000);
    expect(store.getBytes("A")).toEqual(Uint8Array.of(1, 2, 3));
    await clock.advance(lifetimeMs);
    expect(store.has("A")).toBe(false);
    store.close();
  });

  it("expires by the machine's time of day unless told otherwise", () => {
    expect(Math.abs(new SteadyClock().wallMs() - Date.now())).toBeLessThan(1_000);
  });
});
