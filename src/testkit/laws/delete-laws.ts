import assert from "node:assert/strict";
import type { LawDefinition } from "../law.js";
import { assertReads, race } from "./law-assertions.js";

/** What holds for a manager that can delete. */
export const deleteLaws: readonly LawDefinition[] = [
  {
    name: "reads a deleted secret as absent",
    needs: ["write", "delete"],
    async check(probe) {
      await probe.write("GONE", "value");
      assert.equal((await probe.delete("GONE")).status, "deleted");
      await assertReads(probe, "GONE", undefined);
    },
  },
  {
    name: "deletes at once where nothing is to be restorable",
    needs: ["write", "delete"],
    async check(probe) {
      await probe.write("GONE", "value");
      const reply = await probe.delete("GONE", { recoveryWindowInDays: 0 });
      assert.equal(reply.status, "deleted");
      assert.equal(reply.restorableUntil, undefined);
      await assertReads(probe, "GONE", undefined);
    },
  },
  {
    name: "deletes a secret whose value is empty",
    needs: ["write", "delete"],
    async check(probe) {
      await probe.write("EMPTY", "");
      assert.equal((await probe.delete("EMPTY")).status, "deleted");
      await assertReads(probe, "EMPTY", undefined);
    },
  },
  {
    name: "answers the deletion of an absent secret with not_found, as often as it is asked",
    needs: ["delete"],
    async check(probe) {
      for (const name of ["absent", "absent", "__proto__", "constructor"]) {
        assert.equal((await probe.delete(name)).status, "not_found");
      }
    },
  },
  {
    name: "answers a second deletion with not_found",
    needs: ["write", "delete"],
    async check(probe) {
      await probe.write("TWICE", "value");
      await probe.delete("TWICE");
      assert.equal((await probe.delete("TWICE")).status, "not_found");
    },
  },
  {
    name: "lets one of eight concurrent deletions delete",
    needs: ["write", "delete"],
    async check(probe) {
      await probe.write("RACE", "value");
      const { won } = await race(8, () => probe.delete("RACE"));
      assert.equal(won.length, 8);
      assert.equal(won.filter(({ reply }) => reply.status === "deleted").length, 1);
    },
  },
  {
    name: "lets a deleted name be written again at once",
    needs: ["write", "delete"],
    async check(probe) {
      await probe.write("AGAIN", "one");
      await probe.delete("AGAIN");
      await probe.write("AGAIN", "two");
      await assertReads(probe, "AGAIN", "two");
    },
  },
  {
    name: "starts a new generation with version 1 after a deletion",
    needs: ["write", "delete", "versions"],
    async check(probe) {
      await probe.write("LIFE", "one");
      const before = await probe.write("LIFE", "two");
      const deleted = await probe.delete("LIFE");
      if (deleted.uid !== undefined) assert.equal(deleted.uid, before.uid);
      const after = await probe.write("LIFE", "three");
      assert.equal(after.version, 1);
      assert.ok(after.uid !== undefined && after.uid !== before.uid, "a new generation has another uid");
      assert.equal(await probe.readVersion("LIFE", before.version ?? 2), undefined);
    },
  },
  {
    name: "reads no version of a deleted secret",
    needs: ["write", "delete", "versions"],
    async check(probe) {
      const version = await probe.writeVersion("GONE", "value");
      await probe.delete("GONE");
      assert.equal(await probe.readVersion("GONE", version), undefined);
    },
  },
];
