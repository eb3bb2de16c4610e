import assert from "node:assert/strict";
import { inspect } from "node:util";
import type { Capability } from "../../domain/capability.js";
import { findLeaks, plantCanaries, type Canaries } from "../canary.js";
import type { LawDefinition } from "../law.js";
import type { ManagerProbe } from "../manager-probe.js";

/** What each capability can be asked for; undefined for what no member of its own does. */
const askFor: Record<Capability, ((probe: ManagerProbe, value: string) => Promise<unknown>) | undefined> = {
  write: (probe, value) => probe.write("NAME", value),
  delete: (probe) => probe.delete("NAME"),
  rotate: (probe, value) => probe.rotate("NAME", "NAME_2", value),
  list: (probe) => probe.list(),
  describe: (probe) => probe.describe("NAME"),
  versions: (probe) => probe.readVersion("NAME", 1),
  activate: (probe) => probe.activate("NAME", 1),
  preconditions: undefined,
  idempotency: undefined,
  expiry: undefined,
  grace_period: undefined,
  restore: undefined,
  destroy: undefined,
  watch: undefined,
  atomic_batch: (probe) => probe.batchRead([{ name: "NAME" }]),
};

/** What holds from opening to closing, and of what is thrown in between. */
export const lifecycleLaws: readonly LawDefinition[] = [
  {
    name: "is healthy and finds its environment right after it was opened",
    async check(probe) {
      assert.notEqual(await probe.manager.validateEnvironment?.(), false);
      assert.notEqual(await probe.manager.checkHealth?.(probe.call()), false);
    },
  },
  {
    name: "may be closed twice",
    async check(probe) {
      await probe.store("NAME", "value");
      await probe.manager.close?.();
      await probe.manager.close?.();
    },
  },
  {
    name: "throws from every member when it is closed, and calls nothing absent",
    async check(probe) {
      if (probe.manager.close === undefined) return;
      await probe.store("NAME", "value");
      await probe.manager.close();
      await assert.rejects(probe.read("NAME"), "readSecret must throw");
      await assert.rejects(probe.read("absent"), "readSecret must throw");
      if (probe.manager.readSecretSync !== undefined) {
        assert.throws(() => probe.manager.readSecretSync?.("NAME", probe.call()), "readSecretSync must throw");
      }
      for (const capability of probe.subject.capabilities) {
        const ask = askFor[capability];
        if (ask !== undefined) await assert.rejects(ask(probe, "value"), `${capability} must throw`);
      }
    },
  },
  {
    name: "puts no value into anything it throws",
    async check(probe) {
      const canaries = plantCanaries();
      await probe.store("NAME", canaries.text);
      await probe.store("NAME_2", canaries.json);
      for (const provoke of provocations(probe, canaries)) assertSilent(await thrownBy(provoke), canaries);
      await probe.manager.close?.();
      for (const capability of probe.subject.capabilities) {
        const ask = askFor[capability];
        if (ask !== undefined) assertSilent(await thrownBy(() => ask(probe, canaries.text)), canaries);
      }
      assertSilent(await thrownBy(() => probe.read("NAME")), canaries);
    },
  },
];

/** Calls that a manager may refuse, each with a value at hand that it could quote. */
function provocations(probe: ManagerProbe, canaries: Canaries): readonly (() => Promise<unknown>)[] {
  const { text, json, bytes } = canaries;
  return [
    () => probe.write("NAME", text, { expectedVersion: 0 }),
    () => probe.write("NAME", json, { expectedVersion: 7 }),
    () => probe.write("NAME_3", bytes, { expectedVersion: 7 }),
    () => probe.write("NAME", text, { requestId: "request-1" }),
    () => probe.write("NAME", json, { requestId: "request-1" }),
    () => probe.write("NAME_3", bytes),
    () => probe.rotate("NAME", "NAME_2", text),
    () => probe.rotate("absent", "NAME", json),
    () => probe.activate("NAME", 99),
    () => probe.activate("absent", 1),
    () => probe.delete("NAME", { expectedVersion: 99 }),
  ];
}

async function thrownBy(provoke: () => Promise<unknown>): Promise<unknown> {
  try {
    await provoke();
    return undefined;
  } catch (thrown) {
    return thrown;
  }
}

/** Fails when anything of an error but its cause, which is for the log, holds a canary. */
function assertSilent(thrown: unknown, canaries: Canaries): void {
  if (thrown === undefined) return;
  const shown =
    thrown instanceof Error
      ? [thrown.name, thrown.message, thrown.stack, ...Object.entries(thrown).filter(([key]) => key !== "cause")]
      : thrown;
  assert.deepEqual(findLeaks(inspect(shown, { depth: 10, maxStringLength: null }), canaries), []);
}
