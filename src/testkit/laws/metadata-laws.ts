import assert from "node:assert/strict";
import type { Tags } from "../../domain/secret.js";
import type { LawDefinition } from "../law.js";
import { assertLabels } from "./law-assertions.js";

/** What holds for a manager that shows the description and the tags it was given. */
export const metadataLaws: readonly LawDefinition[] = [
  {
    name: "keeps the description and the tags of a write",
    needs: ["write", "describe"],
    async check(probe) {
      const tags = { Environment: "Production", "team/\u20ac": "", "": "empty key" };
      await probe.write("LABELLED", "value", { description: "what it is for\n", tags });
      await assertLabels(probe, "LABELLED", { description: "what it is for\n", tags });
    },
  },
  {
    name: "keeps a tag whose key is a member of every object",
    needs: ["write", "describe"],
    async check(probe) {
      const tags: Tags = Object.fromEntries([
        ["__proto__", "a"],
        ["constructor", "b"],
        ["toString", "c"],
      ]);
      await probe.write("PROTO", "value", { tags });
      const described = await probe.describe("PROTO");
      assert.deepEqual(Object.entries(described?.tags ?? {}).sort(), Object.entries(tags).sort());
    },
  },
  {
    name: "keeps description and tags when a write does not name them",
    needs: ["write", "describe"],
    async check(probe) {
      await probe.write("KEPT", "one", { description: "d", tags: { a: "1" } });
      await probe.write("KEPT", "two");
      await assertLabels(probe, "KEPT", { description: "d", tags: { a: "1" } });
      await probe.write("KEPT", "three", { description: "e" });
      await assertLabels(probe, "KEPT", { description: "e", tags: { a: "1" } });
      await probe.write("KEPT", "four", { tags: { b: "2" } });
      await assertLabels(probe, "KEPT", { description: "e", tags: { b: "2" } });
    },
  },
  {
    name: "clears description and tags with empty ones",
    needs: ["write", "describe"],
    async check(probe) {
      await probe.write("CLEARED", "one", { description: "d", tags: { a: "1" } });
      await probe.write("CLEARED", "two", { description: "", tags: {} });
      const described = await probe.describe("CLEARED");
      assert.equal(described?.description ?? "", "");
      assert.deepEqual(Object.keys(described?.tags ?? {}), []);
    },
  },
  {
    name: "shares no tags with the writer or the reader",
    needs: ["write", "describe"],
    async check(probe) {
      const tags = { a: "1" };
      await probe.write("SHARED", "value", { tags });
      tags.a = "changed by the writer";
      const described = await probe.describe("SHARED");
      // Refusing the change is as good as not seeing it; set says which without throwing.
      if (described?.tags !== undefined) Reflect.set(described.tags, "a", "changed by the reader");
      const read = await probe.read("SHARED");
      if (read?.tags !== undefined) Reflect.set(read.tags, "a", "changed by the reader");
      await assertLabels(probe, "SHARED", { tags: { a: "1" } });
    },
  },
  {
    name: "gives a new generation neither description nor tags of the one before",
    needs: ["write", "delete", "describe"],
    async check(probe) {
      await probe.write("FRESH", "one", { description: "d", tags: { a: "1" } });
      await probe.delete("FRESH");
      await probe.write("FRESH", "two");
      const described = await probe.describe("FRESH");
      assert.equal(described?.description ?? "", "");
      assert.deepEqual(Object.keys(described?.tags ?? {}), []);
    },
  },
];
