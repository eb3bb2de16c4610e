import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { namePatternSchema } from "../../src/config/policies-schema.js";
import { secretNameProblem } from "../../src/domain/secret-name.js";
import { matchesPattern } from "../../src/policy/segment-pattern.js";
import { problemsOf, withMemory } from "./config-text.js";

const isAccepted = (pattern: string): boolean => namePatternSchema.safeParse(pattern).success;

/** Every text of 1 to so many of some letters. */
function textsOf(letters: readonly string[], maxLength: number): string[] {
  let last = [""];
  return Array.from({ length: maxLength }, () => {
    last = last.flatMap((text) => letters.map((letter) => text + letter));
    return last;
  }).flat();
}

describe("a pattern of names", () => {
  it("is accepted if and only if a name matches it", () => {
    const names = textsOf(["a", ".", "/"], 5).filter((name) => secretNameProblem(name) === undefined);
    const patterns = textsOf(["a", ".", "/", "*"], 5).filter((text) => !/[^/]\*\*|\*\*[^/]/u.test(text));
    expect(patterns.length).toBeGreaterThan(500);
    for (const pattern of patterns) {
      const isMatched = names.some((name) => matchesPattern(name, pattern));
      if (isAccepted(pattern) !== isMatched) expect.fail(`${pattern} is matched: ${String(isMatched)}`);
    }
  });

  it("matches a name with any text for its stars, whatever it is made of", () => {
    const text = fc.oneof(fc.string({ unit: "binary", maxLength: 2 }), fc.string({ unit: "grapheme", maxLength: 8 }));
    const segment = fc.oneof(text, fc.constantFrom("*", "**", "..", "", "a*"));
    const pattern = fc.array(segment, { minLength: 1, maxLength: 6 }).map((segments) => segments.join("/"));
    fc.assert(
      fc.property(pattern, fc.stringMatching(/^[a-z]{1,3}$/u), (given, filling) => {
        if (!isAccepted(given)) return;
        const name = given.replaceAll("**", filling).replaceAll("*", filling);
        expect(secretNameProblem(name)).toBeUndefined();
        expect(matchesPattern(name, given)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ["payments/", /must not begin or end with "\/": no name does, .*a\/\*\*/u],
    ["/payments/**", /must not begin or end with "\/"/u],
    ["/", /must not begin or end with "\/"/u],
    ["payments//**", /empty path segment/u],
    ["../x", /path segment "\.\."/u],
    ["**/..", /path segment "\.\."/u],
    ["a\\u0000*", /control characters/u],
    ["a\\u2028", /control characters/u],
  ])("%j is refused wherever patterns are taken", (pattern, message) => {
    const policies = problemsOf(
      withMemory(`  policies: [{ effect: deny, principals: [p], actions: [read], names: [b, "${pattern}"] }]\n`),
    );
    expect(policies).toMatchObject([{ path: "secret_broker.policies[0].names[1]" }]);
    expect(policies[0]?.message).toMatch(message);
    const cache = problemsOf(withMemory(`  cache: { ttl: 1m, prefetch: ["${pattern}"] }\n`));
    expect(cache).toMatchObject([{ path: "secret_broker.cache.prefetch[0]" }]);
    expect(cache[0]?.message).toMatch(message);
  });

  it("is no pattern of principals, which keep to other rules", () => {
    const text = withMemory(
      '  policies: [{ principals: ["spiffe://a/**"], actions: [read], names: ["./a", "..."] }]\n',
    );
    expect(problemsOf(text)).toEqual([]);
  });
});
