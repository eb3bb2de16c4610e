import assert from "node:assert/strict";
import type { LawDefinition } from "../law.js";
import { assertPayload, assertReads, race } from "./law-assertions.js";

/** What holds for a manager that can write. */
export const writeLaws: readonly LawDefinition[] = [
  {
    name: "replaces a value by writing over it",
    needs: ["write"],
    async check(probe) {
      await probe.write("OVER", "a longer first value");
      await probe.write("OVER", "second");
      await assertReads(probe, "OVER", "second");
      await probe.write("OVER", "");
      await assertReads(probe, "OVER", "");
    },
  },
  {
    name: "changes between text and bytes by writing over",
    needs: ["write"],
    payloads: "binary",
    async check(probe) {
      await probe.write("FORM", "text");
      await probe.write("FORM", Uint8Array.of(1));
      await assertReads(probe, "FORM", Uint8Array.of(1));
      await probe.write("FORM", "text again");
      await assertReads(probe, "FORM", "text again");
    },
  },
  {
    name: "leaves all other secrets alone when it writes",
    needs: ["write"],
    async check(probe) {
      await probe.write("OTHER", "stays");
      await probe.write("WRITTEN", "one");
      await probe.write("WRITTEN", "two");
      await assertReads(probe, "OTHER", "stays");
    },
  },
  {
    name: "keeps one of the values that are written at once, whole",
    needs: ["write"],
    async check(probe) {
      const values = Array.from({ length: 8 }, (_, index) => String(index).repeat(1_000));
      await Promise.all(values.map((value) => probe.write("RACE", value)));
      const reply = await probe.read("RACE");
      assert.ok(values.some((value) => value === reply?.value));
    },
  },
  {
    name: "writes wholly or not at all when the call is already aborted",
    needs: ["write"],
    async check(probe) {
      await probe.write("ABORTED", "before");
      const call = probe.call({ signal: AbortSignal.abort(), deadline: new Date(0) });
      const write = async (): Promise<unknown> => await probe.manager.writeSecret?.("ABORTED", "after", {}, call);
      await write().catch(() => undefined);
      const reply = await probe.read("ABORTED");
      assert.ok(reply?.value === "before" || reply?.value === "after");
      await probe.write("ABORTED", "later");
      await assertReads(probe, "ABORTED", "later");
    },
  },
];

/** What holds for a manager that keeps versions. */
export const versionLaws: readonly LawDefinition[] = [
  {
    name: "numbers versions from 1 upwards within one generation",
    needs: ["write", "versions"],
    async check(probe) {
      const first = await probe.write("COUNT", "one");
      const second = await probe.write("COUNT", "two");
      const third = await probe.write("COUNT", "two");
      assert.equal(first.version, 1);
      assert.ok((second.version ?? 0) > 1);
      assert.ok((third.version ?? 0) > (second.version ?? 0), "the same value again is a new version");
      assert.deepEqual([second.uid, third.uid], [first.uid, first.uid]);
    },
  },
  {
    name: "reads with the version and the generation that the write answered with",
    needs: ["write", "versions"],
    async check(probe) {
      const written = await probe.write("SAME", "value");
      const reply = await probe.read("SAME");
      assert.deepEqual([reply?.version, reply?.uid], [written.version, written.uid]);
    },
  },
  {
    name: "keeps old versions readable by their numbers",
    needs: ["write", "versions"],
    async check(probe) {
      const values = ["one", "", "three"];
      const versions: number[] = [];
      for (const value of values) versions.push(await probe.writeVersion("OLD", value));
      for (const [index, version] of versions.entries()) {
        const reply = await probe.readVersion("OLD", version);
        assertPayload(reply, values[index] ?? "");
        assert.equal(reply?.version, version);
      }
      await assertReads(probe, "OLD", "three");
    },
  },
  {
    name: "keeps the bytes of old versions when the reader overwrites what it got",
    needs: ["write", "versions"],
    payloads: "binary",
    async check(probe) {
      const version = await probe.writeVersion("YOURS", Uint8Array.of(1, 2, 3));
      await probe.write("YOURS", "newer");
      const reply = await probe.readVersion("YOURS", version);
      if (reply?.value instanceof Uint8Array) reply.value.fill(0);
      assertPayload(await probe.readVersion("YOURS", version), Uint8Array.of(1, 2, 3));
    },
  },
  {
    name: "reads a version that is not there, of any name, as undefined",
    needs: ["write", "versions"],
    async check(probe) {
      const version = await probe.writeVersion("FEW", "value");
      assert.equal(await probe.readVersion("FEW", version + 1), undefined);
      assert.equal(await probe.readVersion("FEW", 2 ** 31), undefined);
      assert.equal(await probe.readVersion("absent", 1), undefined);
    },
  },
  {
    name: "gives concurrent writes distinct versions, each with its own value",
    needs: ["write", "versions"],
    async check(probe) {
      const { won } = await race(8, (index) => probe.writeVersion("RACE", `value ${String(index)}`));
      assert.equal(new Set(won.map(({ reply }) => reply)).size, 8);
      for (const { index, reply } of won) {
        assertPayload(await probe.readVersion("RACE", reply), `value ${String(index)}`);
      }
      const active = await probe.read("RACE");
      assertPayload(await probe.readVersion("RACE", active?.version ?? 0), active?.value ?? "");
      const later = await probe.writeVersion("RACE", "later");
      assert.ok(won.every(({ reply }) => reply < later));
    },
  },
];
