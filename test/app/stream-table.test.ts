import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StreamTable } from "../../src/app/stream-table.js";

const step = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), id: fc.nat(8), stream: fc.string() }),
  fc.record({ kind: fc.constant("delete" as const), id: fc.nat(8) }),
  fc.record({ kind: fc.constant("clear" as const) }),
);

describe("a table of streams", () => {
  it("is a map in all that it answers", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const table = new StreamTable<string>();
        const map = new Map<number, string>();
        for (const each of steps) {
          if (each.kind === "set") expect(table.set(each.id, each.stream)).toBe(table);
          if (each.kind === "set") map.set(each.id, each.stream);
          else if (each.kind === "delete") expect(table.delete(each.id)).toBe(map.delete(each.id));
          else [table, map].forEach((both) => both.clear());
          expect(seen(table)).toEqual(seen(map));
        }
      }),
    );
  });

  it("may lose streams while they are gone through, as a session that ends them does", () => {
    const table = new StreamTable<string>();
    for (const id of [1, 3, 5, 7]) table.set(id, `stream ${String(id)}`);
    const ended: string[] = [];
    table.forEach((stream, id) => {
      ended.push(stream);
      table.delete(id);
      table.delete(id + 2);
    });
    expect(ended).toEqual(["stream 1", "stream 5"]);
    expect(table.size).toBe(0);
  });
});

function seen(map: Map<number, string>): unknown {
  const visited: [string, number][] = [];
  map.forEach((stream, id, whole) => {
    if (whole === map) visited.push([stream, id]);
  });
  const ids = Array.from({ length: 10 }, (_, id) => [map.has(id), map.get(id)]);
  return [map.size, ids, [...map], [...map.keys()], [...map.values()], [...map.entries()], visited];
}
