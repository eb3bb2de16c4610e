import assert from "node:assert/strict";
import { isSecretError } from "../../domain/secret-error.js";
import type { LawDefinition } from "../law.js";
import type { ManagerProbe } from "../manager-probe.js";

/** What holds for a manager that reads several secrets from one point in time. */
export const batchLaws: readonly LawDefinition[] = [
  {
    name: "answers each read of a batch in its order, and an absent one as absent",
    needs: ["write", "atomic_batch"],
    async check(probe) {
      await probe.write("A", "a");
      await probe.write("B", Uint8Array.of(0, 255));
      const values = await valuesOf(probe, [{ name: "B" }, { name: "NONE" }, { name: "A" }, { name: "B" }]);
      assert.deepEqual(values, [Uint8Array.of(0, 255), undefined, "a", Uint8Array.of(0, 255)]);
      assert.deepEqual(await valuesOf(probe, []), []);
    },
  },
  {
    name: "reads versions of a batch by their numbers",
    needs: ["write", "versions", "atomic_batch"],
    async check(probe) {
      const first = await probe.writeVersion("A", "one");
      await probe.write("A", "two");
      const reads = [{ name: "A", version: first }, { name: "A" }, { name: "A", version: 9_999 }];
      assert.deepEqual(await valuesOf(probe, reads), ["one", "two", undefined]);
    },
  },
  {
    name: "reads a batch from one point in time",
    needs: ["write", "atomic_batch"],
    async check(probe) {
      await probe.write("FIRST", "0");
      await probe.write("SECOND", "0");
      let isOver = false;
      const write = async (): Promise<void> => {
        for (let round = 1; !isOver; round += 1) {
          await probe.write("FIRST", String(round));
          await probe.write("SECOND", String(round));
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      const writing = write();
      try {
        for (let count = 0; count < 50; count += 1) await assertTogether(probe);
      } finally {
        isOver = true;
        await writing;
      }
    },
  },
];

/** Asked for first, what is written last must not be ahead of what is written first, nor more than one behind. */
async function assertTogether(probe: ManagerProbe): Promise<void> {
  const [second, first] = (await valuesOf(probe, [{ name: "SECOND" }, { name: "FIRST" }])).map(Number);
  const lead = (first ?? Number.NaN) - (second ?? Number.NaN);
  assert.ok(lead === 0 || lead === 1, "what was written in between must not show in part");
}

async function valuesOf(
  probe: ManagerProbe,
  reads: readonly { readonly name: string; readonly version?: number }[],
): Promise<readonly unknown[]> {
  const replies = await probe.batchRead(reads);
  assert.equal(replies.length, reads.length, "there must be one reply for each read");
  return replies.map((reply) => {
    if (!("error" in reply)) return reply.reply?.value;
    // A manager that restores may say of a deleted secret that it is deleted.
    assert.ok(isSecretError(reply.error) && reply.error.reason === "SECRET_DELETED", "no read of the batch may fail");
    return undefined;
  });
}
