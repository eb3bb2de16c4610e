import { describe, expect, it } from "vitest";
import { WorkSlots } from "../../src/broker/work-slots.js";

describe("work in slots", () => {
  it("is under way at most so often at once, first come, first served", async () => {
    const slots = new WorkSlots(3);
    const begun: number[] = [];
    let underWay = 0;
    let most = 0;
    const works = Array.from({ length: 20 }, (_, index) =>
      slots.run(async () => {
        begun.push(index);
        underWay += 1;
        most = Math.max(most, underWay);
        await new Promise((resolve) => setImmediate(resolve));
        underWay -= 1;
        if (index % 4 === 0) throw new Error(`work ${String(index)}`);
        return index;
      }),
    );
    expect(begun).toEqual([0, 1, 2]);
    const settled = await Promise.allSettled(works.map(async (work) => await Promise.resolve(work)));
    expect(most).toBe(3);
    expect(begun).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(settled.map(({ status }) => status === "fulfilled")).toEqual(begun.map((index) => index % 4 !== 0));
  });

  it("is done at once where it can be, even while others wait for a promise", () => {
    const slots = new WorkSlots(2);
    const never = new Promise<never>(() => undefined);
    void slots.run(() => never);
    expect(slots.run(() => 1)).toBe(1);
    expect(() =>
      slots.run(() => {
        throw new Error("broken");
      }),
    ).toThrow("broken");
    expect(slots.run(() => 2)).toBe(2);
    void slots.run(() => never);
    expect(slots.run(() => 3)).toBeInstanceOf(Promise);
  });
});
