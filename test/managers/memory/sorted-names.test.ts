import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SortedNames } from "../../../src/managers/memory/sorted-names.js";

describe("SortedNames", () => {
  it("walks as a sorted set would, whatever was added, deleted and walked before", () => {
    const name = fc.constantFrom("", "a", "a/", "a/b", "ab", "b", "B", "\u00e9", "\u{1f511}", "\uff21", "\u{1f511}a");
    const step = fc.record({ toggle: name, walk: fc.option(fc.record({ prefix: name, after: fc.option(name) })) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const names = new SortedNames();
        const model = new Set<string>();
        for (const { toggle, walk } of steps) {
          if (model.has(toggle)) {
            model.delete(toggle);
            names.delete(toggle);
          } else {
            model.add(toggle);
            names.add(toggle);
          }
          if (walk === null) continue;
          const { prefix, after } = walk;
          const expected = [...model].filter((each) => each.startsWith(prefix) && (after === null || each > after));
          expect([...names.walk(prefix, after ?? undefined)]).toEqual(expected.sort());
        }
      }),
    );
  });

  it("walks rightly while names are deleted and added during the walk's pages", () => {
    const names = new SortedNames();
    for (let index = 0; index < 1_000; index += 1) names.add(String(index).padStart(4, "0"));
    for (let index = 0; index < 1_000; index += 3) {
      names.delete(String(index).padStart(4, "0"));
      const [first] = names.walk("", undefined);
      expect(first).toBe("0001");
    }
    names.add("0000");
    expect([...names.walk("", undefined)].slice(0, 3)).toEqual(["0000", "0001", "0002"]);
    expect([...names.walk("09", "0989")]).toEqual(["0991", "0992", "0994", "0995", "0997", "0998"]);
  });

  it("is empty after it was cleared", () => {
    const names = new SortedNames();
    names.add("a");
    expect([...names.walk("", undefined)]).toEqual(["a"]);
    names.add("b");
    names.clear();
    expect([...names.walk("", undefined)]).toEqual([]);
  });
});
