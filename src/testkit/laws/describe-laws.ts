import assert from "node:assert/strict";
import { inspect } from "node:util";
import { findLeaks, plantCanaries } from "../canary.js";
import type { LawDefinition } from "../law.js";
import { assertReads, assertRefused } from "./law-assertions.js";

/** What holds for a manager that describes. */
export const describeLaws: readonly LawDefinition[] = [
  {
    name: "describes an absent secret as undefined",
    needs: ["describe"],
    async check(probe) {
      for (const name of ["absent", "__proto__", "constructor"]) assert.equal(await probe.describe(name), undefined);
    },
  },
  {
    name: "describes a secret under its own name and without its payload",
    needs: ["describe"],
    async check(probe) {
      const canaries = plantCanaries();
      await probe.store("CANARY", canaries.text);
      const described = await probe.describe("CANARY");
      assert.equal(described?.name, "CANARY");
      assert.deepEqual(findLeaks(inspect(described, { depth: 10 }) + JSON.stringify(described), canaries), []);
    },
  },
  {
    name: "describes the versions oldest first, one of them active",
    needs: ["write", "describe", "versions"],
    async check(probe) {
      const written = [
        await probe.writeVersion("HISTORY", "one"),
        await probe.writeVersion("HISTORY", "two"),
        await probe.writeVersion("HISTORY", "three"),
      ];
      const described = await probe.describe("HISTORY");
      const versions = described?.versions ?? [];
      assert.deepEqual(
        versions.map(({ version }) => version),
        written,
      );
      assert.equal(described?.activeVersion, written[2]);
      assert.deepEqual(
        versions.filter(({ active }) => active === true).map(({ version }) => version),
        [written[2]],
      );
      assert.equal(described?.uid, (await probe.read("HISTORY"))?.uid);
    },
  },
  {
    name: "describes with times that do not run backwards",
    needs: ["write", "describe"],
    async check(probe) {
      await probe.write("TIMES", "one");
      const before = await probe.describe("TIMES");
      await probe.write("TIMES", "two");
      const after = await probe.describe("TIMES");
      assert.equal(after?.createTime?.getTime(), before?.createTime?.getTime());
      if (before?.updateTime !== undefined) assert.ok((after?.updateTime ?? 0) >= before.updateTime);
    },
  },
];

/** What holds for a manager that can choose the active version. */
export const activationLaws: readonly LawDefinition[] = [
  {
    name: "rolls back to an old version and forward again",
    needs: ["write", "versions", "activate"],
    async check(probe) {
      const first = await probe.writeVersion("ROLL", "one");
      const second = await probe.writeVersion("ROLL", "two");
      assert.equal((await probe.activate("ROLL", first)).activeVersion, first);
      await assertReads(probe, "ROLL", "one");
      assert.equal((await probe.read("ROLL"))?.version, first);
      await probe.activate("ROLL", second);
      await assertReads(probe, "ROLL", "two");
      await probe.activate("ROLL", second);
      await assertReads(probe, "ROLL", "two");
    },
  },
  {
    name: "numbers the write after a rollback above all earlier ones",
    needs: ["write", "versions", "activate"],
    async check(probe) {
      const first = await probe.writeVersion("ROLL", "one");
      const second = await probe.writeVersion("ROLL", "two");
      await probe.activate("ROLL", first);
      const third = await probe.writeVersion("ROLL", "three");
      assert.ok(third > second);
      await assertReads(probe, "ROLL", "three");
    },
  },
  {
    name: "writes a version without activating it",
    needs: ["write", "versions", "activate"],
    async check(probe) {
      await probe.write("STAGED", "one");
      const staged = await probe.write("STAGED", "two", { activate: false });
      assert.equal(staged.active ?? false, false);
      await assertReads(probe, "STAGED", "one");
      assert.equal((await probe.readVersion("STAGED", staged.version ?? 0))?.value, "two");
      await probe.activate("STAGED", staged.version ?? 0);
      await assertReads(probe, "STAGED", "two");
    },
  },
  {
    name: "refuses to activate what is not there, and leaves what is",
    needs: ["write", "versions", "activate"],
    async check(probe) {
      const version = await probe.writeVersion("THERE", "value");
      await assertRefused("SECRET_NOT_FOUND", probe.activate("absent", 1));
      await assertRefused("VERSION_NOT_FOUND", probe.activate("THERE", version + 1));
      await assertReads(probe, "THERE", "value");
      await assertReads(probe, "absent", undefined);
    },
  },
];
