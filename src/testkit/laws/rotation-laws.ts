import assert from "node:assert/strict";
import type { LawDefinition } from "../law.js";
import { assertLabels, assertOneWinner, assertPayload, assertReads, assertRefused, race } from "./law-assertions.js";

/** What holds for a manager that rotates by itself. */
export const rotationLaws: readonly LawDefinition[] = [
  {
    name: "keeps the secret when it is rotated under its own name",
    needs: ["write", "rotate"],
    async check(probe) {
      await probe.write("SAME", "old");
      await probe.rotate("SAME", "SAME", "new");
      await assertReads(probe, "SAME", "new");
      await probe.rotate("SAME", "SAME", "newer");
      await assertReads(probe, "SAME", "newer");
    },
  },
  {
    name: "keeps the generation and the old version when it rotates under the same name",
    needs: ["write", "rotate", "versions"],
    async check(probe) {
      const old = await probe.write("SAME", "old");
      const rotated = await probe.rotate("SAME", "SAME", "new");
      assert.equal(rotated.uid, old.uid);
      assert.ok((rotated.version ?? 0) > (old.version ?? 0));
      assertPayload(await probe.readVersion("SAME", old.version ?? 0), "old");
    },
  },
  {
    name: "moves a secret to a new name by rotating it",
    needs: ["write", "rotate"],
    async check(probe) {
      await probe.write("OLD", "old");
      await probe.rotate("OLD", "NEW", "new");
      await assertReads(probe, "NEW", "new");
      await assertReads(probe, "OLD", undefined);
    },
  },
  {
    name: "refuses to rotate an absent secret and creates nothing",
    needs: ["rotate"],
    async check(probe) {
      await assertRefused("SECRET_NOT_FOUND", probe.rotate("absent", "absent", "new"));
      await assertRefused("SECRET_NOT_FOUND", probe.rotate("absent", "NEW", "new"));
      await assertReads(probe, "absent", undefined);
      await assertReads(probe, "NEW", undefined);
    },
  },
  {
    name: "refuses to rotate onto a secret that is there, and leaves both as they were",
    needs: ["write", "rotate"],
    async check(probe) {
      await probe.write("OLD", "old");
      await probe.write("TAKEN", "taken");
      await assertRefused("SECRET_EXISTS", probe.rotate("OLD", "TAKEN", "new"));
      await assertReads(probe, "OLD", "old");
      await assertReads(probe, "TAKEN", "taken");
    },
  },
  {
    name: "lets one of eight concurrent rotations onto one new name win, and keeps the others' secrets",
    needs: ["write", "rotate"],
    async check(probe) {
      for (let index = 0; index < 8; index += 1) await probe.write(`OLD_${String(index)}`, `old ${String(index)}`);
      const outcome = await race(8, (index) => probe.rotate(`OLD_${String(index)}`, "NEW", `new ${String(index)}`));
      const winner = assertOneWinner(outcome, "SECRET_EXISTS");
      await assertReads(probe, "NEW", `new ${String(winner)}`);
      for (let index = 0; index < 8; index += 1) {
        await assertReads(probe, `OLD_${String(index)}`, index === winner ? undefined : `old ${String(index)}`);
      }
    },
  },
  {
    name: "carries description and tags over when it rotates",
    needs: ["write", "rotate", "describe"],
    async check(probe) {
      await probe.write("OLD", "old", { description: "d", tags: { a: "1" } });
      await probe.rotate("OLD", "OLD", "new");
      await assertLabels(probe, "OLD", { description: "d", tags: { a: "1" } });
      await probe.rotate("OLD", "NEW", "newer");
      await assertLabels(probe, "NEW", { description: "d", tags: { a: "1" } });
    },
  },
  {
    name: "keeps its bytes when the rotator overwrites its buffer",
    needs: ["write", "rotate"],
    payloads: "binary",
    async check(probe) {
      await probe.write("MINE", "old");
      const buffer = Buffer.from([1, 2, 3]);
      await probe.rotate("MINE", "MINE", buffer);
      buffer.fill(0);
      await assertReads(probe, "MINE", Uint8Array.of(1, 2, 3));
    },
  },
];
