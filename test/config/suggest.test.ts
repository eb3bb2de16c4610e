import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { suggest, suggestion } from "../../src/config/suggest.js";

const known = ["audit", "listen", "limits", "access_mode", "hosted_keys", "tags"];

describe("a suggestion", () => {
  it.each([
    ["audt", "audit"],
    ["adit", "audit"],
    ["uadit", "audit"],
    ["AUDIT", "audit"],
    ["accessMode", "access_mode"],
    ["acess-mode", "access_mode"],
    ["hosted_key", "hosted_keys"],
    ["limit", "limits"],
    ["tag", "tags"],
  ])("for %s is %s", (word, meant) => {
    expect(suggest(word, known)).toBe(meant);
    expect(suggestion(word, known)).toBe(`; did you mean "${meant}"?`);
  });

  it.each(["", "x", "log", "prefix", "hosts", "completely_different"])("for %j is none", (word) => {
    expect(suggest(word, known)).toBeUndefined();
    expect(suggestion(word, known)).toBe("");
  });

  it("is never made for a word that is known", () => {
    for (const word of known) expect(suggest(word, known)).toBeUndefined();
  });

  it("is one of the words there are, and made for any word whatever", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (word) => {
        const meant = suggest(word, known);
        return meant === undefined || known.includes(meant);
      }),
    );
  });

  it("is made for a word with one letter taken out", () => {
    for (const word of known.filter(({ length }) => length > 4)) {
      for (let index = 0; index < word.length; index += 1) {
        const broken = word.slice(0, index) + word.slice(index + 1);
        expect(suggest(broken, known)).toBe(word);
      }
    }
  });
});
