import assert from "node:assert/strict";
import type { LawDefinition } from "../law.js";
import { assertOneWinner, assertReads, assertRefused, race } from "./law-assertions.js";

/** What holds for a manager that honours `expectedVersion`. */
export const preconditionLaws: readonly LawDefinition[] = [
  {
    name: "writes when the expected version is the active one",
    needs: ["write", "preconditions"],
    async check(probe) {
      const first = await probe.writeVersion("MATCH", "one");
      const second = await probe.writeVersion("MATCH", "two", { expectedVersion: first });
      assert.ok(second > first);
      await assertReads(probe, "MATCH", "two");
    },
  },
  {
    name: "refuses a write that expects another version, and says which is active",
    needs: ["write", "preconditions"],
    async check(probe) {
      const first = await probe.writeVersion("STALE", "one");
      const second = await probe.writeVersion("STALE", "two");
      for (const expectedVersion of [first, second + 1]) {
        const metadata = await assertRefused("VERSION_MISMATCH", probe.write("STALE", "three", { expectedVersion }));
        assert.equal(metadata["current_version"], String(second));
      }
      await assertReads(probe, "STALE", "two");
    },
  },
  {
    name: "creates nothing when a version of an absent secret is expected",
    needs: ["write", "preconditions"],
    async check(probe) {
      await assertRefused("VERSION_MISMATCH", probe.write("NEW", "one", { expectedVersion: 1 }));
      await assertReads(probe, "NEW", undefined);
    },
  },
  {
    name: "creates with the expected version 0, and only creates",
    needs: ["write", "preconditions"],
    async check(probe) {
      await probe.write("CREATE", "one", { expectedVersion: 0 });
      await assertRefused("SECRET_EXISTS", probe.write("CREATE", "two", { expectedVersion: 0 }));
      await assertReads(probe, "CREATE", "one");
    },
  },
  {
    name: "lets one of eight concurrent creations win",
    needs: ["write", "preconditions"],
    async check(probe) {
      const outcome = await race(8, (index) => probe.write("RACE", `value ${String(index)}`, { expectedVersion: 0 }));
      const winner = assertOneWinner(outcome, "SECRET_EXISTS");
      await assertReads(probe, "RACE", `value ${String(winner)}`);
    },
  },
  {
    name: "lets one of eight concurrent writes over the same version win",
    needs: ["write", "preconditions"],
    async check(probe) {
      const expectedVersion = await probe.writeVersion("RACE", "first");
      const outcome = await race(8, (index) => probe.write("RACE", `value ${String(index)}`, { expectedVersion }));
      const winner = assertOneWinner(outcome, "VERSION_MISMATCH");
      await assertReads(probe, "RACE", `value ${String(winner)}`);
    },
  },
  {
    name: "creates again with the expected version 0 after a deletion",
    needs: ["write", "delete", "preconditions"],
    async check(probe) {
      await probe.write("AGAIN", "one", { expectedVersion: 0 });
      await probe.delete("AGAIN");
      await probe.write("AGAIN", "two", { expectedVersion: 0 });
      await assertReads(probe, "AGAIN", "two");
    },
  },
  {
    name: "deletes only when the expected version is the active one",
    needs: ["write", "delete", "preconditions"],
    async check(probe) {
      const first = await probe.writeVersion("DELETE", "one");
      const second = await probe.writeVersion("DELETE", "two");
      await assertRefused("VERSION_MISMATCH", probe.delete("DELETE", { expectedVersion: first }));
      await assertReads(probe, "DELETE", "two");
      assert.equal((await probe.delete("DELETE", { expectedVersion: second })).status, "deleted");
      await assertReads(probe, "DELETE", undefined);
    },
  },
  {
    name: "activates only when the expected version is the active one",
    needs: ["write", "activate", "preconditions"],
    async check(probe) {
      const first = await probe.writeVersion("ACTIVATE", "one");
      const second = await probe.writeVersion("ACTIVATE", "two");
      await assertRefused("VERSION_MISMATCH", probe.activate("ACTIVATE", first, first));
      await assertReads(probe, "ACTIVATE", "two");
      await probe.activate("ACTIVATE", first, second);
      await assertReads(probe, "ACTIVATE", "one");
    },
  },
];
