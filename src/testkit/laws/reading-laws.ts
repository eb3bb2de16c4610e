import assert from "node:assert/strict";
import { shownCapabilities } from "../../contract/shown-capabilities.js";
import type { LawDefinition } from "../law.js";
import { asReply } from "../manager-probe.js";
import { assertPayload, assertReads } from "./law-assertions.js";

/** What holds for every manager, also one that can only read. */
export const readingLaws: readonly LawDefinition[] = [
  {
    name: "shows exactly the capabilities it declares, before use and after",
    async check(probe) {
      const declared = [...probe.subject.capabilities].sort();
      assert.deepEqual([...shownCapabilities(probe.manager)].sort(), declared);
      await probe.store("declared", "value");
      await probe.read("declared");
      assert.deepEqual([...shownCapabilities(probe.manager)].sort(), declared);
    },
  },
  {
    name: "reads an absent secret as undefined",
    async check(probe) {
      await assertReads(probe, "absent", undefined);
    },
  },
  {
    name: "reads a secret and still none of its neighbours",
    async check(probe) {
      await probe.store("NEIGHBOUR", "value");
      await assertReads(probe, "NEIGHBOUR", "value");
      for (const name of ["NEIGHBOU", "NEIGHBOUR2", "NEIGHBOUR/x", "neighbour", "*", "%"]) {
        await assertReads(probe, name, undefined);
      }
    },
  },
  {
    name: "reads the names of built-in object members as absent",
    async check(probe) {
      for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "length", "size"]) {
        await assertReads(probe, name, undefined);
      }
    },
  },
  {
    name: "reads an empty text as a value",
    async check(probe) {
      await probe.store("EMPTY", "");
      await assertReads(probe, "EMPTY", "");
    },
  },
  {
    name: "changes nothing by reading",
    async check(probe) {
      await probe.store("SAME", "value");
      const first = await probe.read("SAME");
      const second = await probe.read("SAME");
      assert.deepEqual(second, first);
    },
  },
  {
    name: "reads the same with and without a promise",
    async check(probe) {
      if (probe.manager.readSecretSync === undefined) return;
      await probe.store("PRESENT", "value");
      await probe.store("EMPTY", "");
      for (const name of ["PRESENT", "EMPTY", "absent"]) {
        const reply = asReply(probe.manager.readSecretSync(name, probe.call()));
        assert.deepEqual(reply, await probe.read(name));
      }
    },
  },
  {
    name: "gives each of many concurrent reads its own secret",
    async check(probe) {
      const names = Array.from({ length: 50 }, (_, index) => `MANY_${String(index)}`);
      for (const name of names) await probe.store(name, `value of ${name}`);
      const replies = await Promise.all([...names, ...names].map((name) => probe.read(name)));
      for (const [index, name] of [...names, ...names].entries()) assertPayload(replies[index], `value of ${name}`);
    },
  },
  {
    name: "takes options it does not know and leaves them as they are",
    async check(probe) {
      await probe.store("OPTIONS", "value");
      const nested = Object.freeze({ mount: "a", list: Object.freeze([1, null, true]) });
      const options = Object.freeze({ secret_manager_settings: nested, name: "other", version: 9 });
      assertPayload(await probe.read("OPTIONS", probe.call({ options })), "value");
      assert.deepEqual(options, {
        secret_manager_settings: { mount: "a", list: [1, null, true] },
        name: "other",
        version: 9,
      });
    },
  },
  {
    name: "answers rightly or not at all when the call is already aborted, and goes on",
    async check(probe) {
      await probe.store("ABORTED", "value");
      const call = probe.call({ signal: AbortSignal.abort(), deadline: new Date(0) });
      const reply = await probe.read("ABORTED", call).catch(() => "refused" as const);
      if (reply !== "refused") assertPayload(reply, "value");
      await assertReads(probe, "ABORTED", "value");
    },
  },
];
