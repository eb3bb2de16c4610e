import { describe, expect, it } from "vitest";
import { andThen, andThenAll, isPending } from "../../src/store/awaitable.js";

describe("values that may be promises", () => {
  it("go on at once where there is none", () => {
    expect(andThen(1, (value) => value + 1)).toBe(2);
    expect(andThenAll([1, "a", undefined], (values) => values)).toEqual([1, "a", undefined]);
  });

  it("are waited for where there is one", async () => {
    const one = andThen(Promise.resolve(1), (value) => value + 1);
    const several = andThenAll([1, Promise.resolve("a")], ([number, text]) => `${String(number)}${text}`);
    expect([isPending(one), isPending(several)]).toEqual([true, true]);
    expect(await Promise.all([one, several])).toEqual([2, "1a"]);
  });

  it("fail as they would have been told: thrown at once, or rejected", async () => {
    const fail = (): never => {
      throw new Error("placeholder");
    };
    expect(() => andThen(1, fail)).toThrow("placeholder");
    await expect(andThen(Promise.resolve(1), fail)).rejects.toThrow("placeholder");
    await expect(andThenAll([1, Promise.reject(new Error("first"))], fail)).rejects.toThrow("first");
  });
});
