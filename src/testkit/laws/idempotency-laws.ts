import assert from "node:assert/strict";
import type { LawDefinition } from "../law.js";
import { assertReads, assertRefused, race } from "./law-assertions.js";

/** What holds for a manager that honours `requestId`. */
export const idempotencyLaws: readonly LawDefinition[] = [
  {
    name: "answers a repeated write as the first time and writes once",
    needs: ["write", "idempotency"],
    async check(probe) {
      const options = { requestId: "request-1", description: "d", tags: { a: "1", b: "2" } };
      const first = await probe.write("REPEAT", "value", options);
      const again = await probe.write("REPEAT", "value", { ...options, tags: { b: "2", a: "1" } });
      assert.deepEqual(again, first);
      const other = await probe.write("REPEAT", "value", { ...options, requestId: "request-2" });
      if (first.version !== undefined) assert.equal(other.version, first.version + 1);
    },
  },
  {
    name: "does not bring an old value back by a repetition",
    needs: ["write", "idempotency"],
    async check(probe) {
      const first = await probe.write("LATE", "old", { requestId: "request-1" });
      await probe.write("LATE", "new");
      assert.deepEqual(await probe.write("LATE", "old", { requestId: "request-1" }), first);
      await assertReads(probe, "LATE", "new");
    },
  },
  {
    name: "refuses another value, name, description or tag under the same request id",
    needs: ["write", "idempotency"],
    async check(probe) {
      const options = { requestId: "request-1", description: "d", tags: { a: "1" } };
      await probe.write("CONFLICT", "value", options);
      const others = [
        () => probe.write("CONFLICT", "value ", options),
        () => probe.write("CONFLICT_2", "value", options),
        () => probe.write("CONFLICT", "value", { ...options, description: "" }),
        () => probe.write("CONFLICT", "value", { ...options, tags: { a: "2" } }),
        () => probe.write("CONFLICT", "value", { requestId: "request-1" }),
      ];
      for (const other of others) await assertRefused("IDEMPOTENCY_CONFLICT", other());
      await assertReads(probe, "CONFLICT", "value");
      await assertReads(probe, "CONFLICT_2", undefined);
    },
  },
  {
    name: "writes once when the same request comes eight times at once",
    needs: ["write", "idempotency"],
    async check(probe) {
      const { won } = await race(8, () => probe.write("RACE", "value", { requestId: "request-1" }));
      assert.equal(won.length, 8);
      for (const { reply } of won) assert.deepEqual(reply, won[0]?.reply);
    },
  },
  {
    name: "answers a repeated creation as the first time",
    needs: ["write", "idempotency", "preconditions"],
    async check(probe) {
      const options = { requestId: "request-1", expectedVersion: 0 };
      const first = await probe.write("CREATE", "value", options);
      assert.deepEqual(await probe.write("CREATE", "value", options), first);
    },
  },
  {
    name: "lets a refused request be tried again",
    needs: ["write", "idempotency", "preconditions"],
    async check(probe) {
      const options = { requestId: "request-1", expectedVersion: 1 };
      await assertRefused("VERSION_MISMATCH", probe.write("RETRY", "two", options));
      await probe.write("RETRY", "one");
      await probe.write("RETRY", "two", options);
      await assertReads(probe, "RETRY", "two");
    },
  },
  {
    name: "answers a repeated deletion as the first time and deletes once",
    needs: ["write", "delete", "idempotency"],
    async check(probe) {
      await probe.write("DELETE", "one");
      const first = await probe.delete("DELETE", { requestId: "request-1" });
      assert.equal(first.status, "deleted");
      await probe.write("DELETE", "two");
      assert.deepEqual(await probe.delete("DELETE", { requestId: "request-1" }), first);
      await assertReads(probe, "DELETE", "two");
      await assertRefused("IDEMPOTENCY_CONFLICT", probe.delete("DELETE_2", { requestId: "request-1" }));
    },
  },
  {
    name: "does not take a deletion for the write that had its request id",
    needs: ["write", "delete", "idempotency"],
    async check(probe) {
      await probe.write("MIXED", "value", { requestId: "request-1" });
      await assertRefused("IDEMPOTENCY_CONFLICT", probe.delete("MIXED", { requestId: "request-1" }));
      await assertReads(probe, "MIXED", "value");
    },
  },
];
