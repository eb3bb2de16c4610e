import assert from "node:assert/strict";
import { findLeaks, plantCanaries } from "../canary.js";
import type { LawDefinition } from "../law.js";
import type { ManagerProbe } from "../manager-probe.js";
import { difficultNames } from "./name-laws.js";

const codeUnitOrder = ["A", "B", "Z", "_", "a", "a-b", "a/b", "a0", "aa", "\u00e9", "\u{1f511}", "\uff21"];

/** What holds for a manager that lists. */
export const listLaws: readonly LawDefinition[] = [
  {
    name: "lists names in the order of their UTF-16 code units",
    needs: ["list"],
    async check(probe) {
      await storeAll(probe, codeUnitOrder.toReversed());
      assert.deepEqual(await probe.names(), codeUnitOrder);
      assert.deepEqual(await probe.names({ pageSize: 5 }), codeUnitOrder);
    },
  },
  {
    name: "lists nothing when there is nothing",
    needs: ["list"],
    async check(probe) {
      const reply = await probe.list({ prefix: "nothing/" });
      assert.deepEqual([reply.secrets.length, reply.nextPageToken ?? ""], [0, ""]);
    },
  },
  {
    name: "lists exactly the names that begin with the prefix",
    needs: ["list"],
    async check(probe) {
      await storeAll(probe, ["team", "team/a", "team/b", "team2/a", "Team/a", "a/team/a"]);
      assert.deepEqual(await probe.names({ prefix: "team/" }), ["team/a", "team/b"]);
      assert.deepEqual(await probe.names({ prefix: "team" }), ["team", "team/a", "team/b", "team2/a"]);
      assert.deepEqual(await probe.names({ prefix: "team/a" }), ["team/a"]);
      assert.deepEqual(await probe.names({ prefix: "team/a/" }), []);
    },
  },
  {
    name: "takes a prefix literally",
    needs: ["list"],
    async check(probe) {
      const literal = ["100%", "a*b", "a_b", "a.b", "[a]", "a\\b", "a'b"];
      await storeAll(probe, [...literal, "100x", "aXb", "axxb", "a", "b"]);
      for (const name of literal) assert.deepEqual(await probe.names({ prefix: name }), [name]);
    },
  },
  {
    name: "lists every difficult name once, whatever the size of the page",
    needs: ["list"],
    async check(probe) {
      await storeAll(probe, difficultNames);
      const expected = [...difficultNames].sort();
      for (const pageSize of [1, 7, difficultNames.length, 1_000]) {
        assert.deepEqual(await probe.names({ pageSize }), expected);
      }
    },
  },
  {
    name: "answers with page tokens of at most 2,048 characters, and none after the last secret",
    needs: ["list"],
    async check(probe) {
      await storeAll(probe, ["a".repeat(512), "\u20ac".repeat(512)]);
      const first = await probe.list({ pageSize: 1 });
      assert.ok((first.nextPageToken ?? "").length > 0, "there is another page");
      assert.ok((first.nextPageToken ?? "").length <= 2_048);
      const last = await probe.list({ pageSize: 2 });
      assert.equal(last.nextPageToken ?? "", "");
    },
  },
  {
    name: "shows what stays exactly once when others come and go between pages",
    needs: ["write", "delete", "list"],
    async check(probe) {
      const staying = Array.from({ length: 20 }, (_, index) => `page/${String(index * 10 + 100)}`);
      const going = Array.from({ length: 20 }, (_, index) => `page/${String(index * 10 + 105)}`);
      await storeAll(probe, [...staying, ...going]);
      let turn = 0;
      const names = await probe.names({ prefix: "page/", pageSize: 3 }, async () => {
        await probe.delete(going[turn] ?? "absent");
        await probe.write(`page/${String(turn * 10 + 101)}`, "new");
        await probe.write("page/000", String(turn));
        turn += 1;
      });
      assert.deepEqual(
        names.filter((name) => staying.includes(name)),
        staying,
      );
      assert.equal(new Set(names).size, names.length);
    },
  },
  {
    name: "goes on with a page token whose last secret was deleted",
    needs: ["write", "delete", "list"],
    async check(probe) {
      await storeAll(probe, ["a", "b", "c"]);
      const { nextPageToken } = await probe.list({ pageSize: 2 });
      await probe.delete("b");
      assert.deepEqual(await probe.names({ pageToken: nextPageToken }), ["c"]);
    },
  },
  {
    name: "does not list what was deleted, and lists it again when it is written again",
    needs: ["write", "delete", "list"],
    async check(probe) {
      await storeAll(probe, ["gone", "stays"]);
      await probe.names();
      await probe.delete("gone");
      assert.deepEqual(await probe.names(), ["stays"]);
      await probe.write("gone", "back");
      assert.deepEqual(await probe.names(), ["gone", "stays"]);
    },
  },
  {
    name: "lists no payload",
    needs: ["list"],
    async check(probe) {
      const canaries = plantCanaries();
      await probe.store("CANARY", canaries.text);
      if (probe.subject.payloads !== "text") await probe.store("CANARY_BYTES", canaries.bytes);
      const reply = await probe.list();
      assert.deepEqual(findLeaks(JSON.stringify(reply), canaries), []);
    },
  },
  {
    name: "lists nothing for a tag that no secret carries",
    needs: ["list"],
    async check(probe) {
      await storeAll(probe, ["untagged"]);
      assert.deepEqual(await probe.names({ tags: { toString: "1" } }), []);
    },
  },
  {
    name: "lists the secrets that carry all the tags with these values",
    needs: ["write", "describe", "list"],
    async check(probe) {
      await probe.write("both", "value", { tags: { a: "1", b: "2" } });
      await probe.write("one", "value", { tags: { a: "1" } });
      await probe.write("other", "value", { tags: { a: "2", b: "2" } });
      await probe.write("none", "value");
      assert.deepEqual(await probe.names({ tags: { a: "1" } }), ["both", "one"]);
      assert.deepEqual(await probe.names({ tags: { a: "1", b: "2" } }), ["both"]);
      assert.deepEqual(await probe.names({ tags: { b: "2" }, pageSize: 1 }), ["both", "other"]);
      assert.deepEqual(await probe.names({ tags: { a: "" } }), []);
      assert.deepEqual(await probe.names({ tags: { constructor: "1" } }), []);
    },
  },
];

async function storeAll(probe: ManagerProbe, names: readonly string[]): Promise<void> {
  for (const name of names) await probe.store(name, `value of ${name}`);
}
