import { getHeapSpaceStatistics } from "node:v8";
import { describe, expect, it } from "vitest";
import { collectGarbage } from "../../src/app/collect-garbage.js";

function roomOfYoungObjects(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space")?.physical_space_size ?? 0;
}

/** Makes objects that live for a while, for which V8 makes room. */
function work(): number {
  let kept: string[][] = [];
  let length = 0;
  for (let turn = 0; turn < 400_000; turn += 1) {
    kept.push([String(turn), "x"]);
    if (kept.length > 50_000) kept = [];
    length = kept.length;
  }
  return length;
}

describe("after a collection", () => {
  it("the room that young objects had is the system's again", () => {
    expect(work()).toBeGreaterThan(0);
    const before = roomOfYoungObjects();
    collectGarbage();
    expect(before).toBeGreaterThan(4_000_000);
    expect(roomOfYoungObjects()).toBeLessThan(before / 2);
  });

  it("nobody else can ask for one", () => {
    expect(globalThis.gc).toBeUndefined();
  });
});
