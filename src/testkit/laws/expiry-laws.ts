import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { LawDefinition } from "../law.js";
import type { ManagerProbe } from "../manager-probe.js";
import { assertReads } from "./law-assertions.js";

const hourMs = 3_600_000;

/** What holds for a manager that honours `expireTime`. */
export const expiryLaws: readonly LawDefinition[] = [
  {
    name: "reads a version that expires later, and says when",
    needs: ["write", "expiry"],
    async check(probe) {
      const expireTime = new Date(Date.now() + hourMs);
      const expectedMs = expireTime.getTime();
      const written = await probe.write("LATER", "value", { expireTime });
      assert.equal(written.expireTime?.getTime(), expectedMs);
      expireTime.setTime(0);
      const reply = await probe.read("LATER");
      assert.equal(reply?.value, "value");
      assert.equal(reply.expireTime?.getTime(), expectedMs);
    },
  },
  {
    name: "reads a version that has expired as absent",
    needs: ["write", "expiry"],
    async check(probe) {
      await probe.write("SOON", "value", { expireTime: new Date(Date.now() + 50) });
      await untilAbsent(probe, "SOON");
      await assertReads(probe, "SOON", undefined);
    },
  },
  {
    name: "reads what was written over an expired version, which does not expire with it",
    needs: ["write", "expiry"],
    async check(probe) {
      await probe.write("REVIVED", "old", { expireTime: new Date(Date.now() + 50) });
      await untilAbsent(probe, "REVIVED");
      const written = await probe.write("REVIVED", "new");
      assert.equal(written.expireTime, undefined);
      await assertReads(probe, "REVIVED", "new");
    },
  },
  {
    name: "reads an expired version by its number as absent, and keeps the others",
    needs: ["write", "versions", "expiry"],
    async check(probe) {
      const first = await probe.writeVersion("NUMBERED", "one");
      const second = await probe.writeVersion("NUMBERED", "two", { expireTime: new Date(Date.now() + 50) });
      await untilAbsent(probe, "NUMBERED");
      assert.equal(await probe.readVersion("NUMBERED", second), undefined);
      assert.equal((await probe.readVersion("NUMBERED", first))?.value, "one");
    },
  },
];

/** Waits for a secret to expire; gives up after ten seconds, when the law that follows says why. */
async function untilAbsent(probe: ManagerProbe, name: string): Promise<void> {
  const giveUpMs = Date.now() + 10_000;
  while (Date.now() < giveUpMs && (await probe.read(name)) !== undefined) await sleep(10);
}
