import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scrubText } from "../../src/log/scrub-text.js";

describe("scrubText", () => {
  it.each([
    ["plain words", "connection refused", "connection refused"],
    ["an address", "connect ECONNREFUSED 127.0.0.1:5432", "connect ECONNREFUSED 127.0.0.1:5432"],
    ["an apostrophe", "the vault isn't reachable", "the vault isn't reachable"],
    ["a double quotation", 'no entry for "my pass" here', "no entry for [scrubbed] here"],
    ["a single quotation", "no entry for 'my pass' here", "no entry for [scrubbed] here"],
    ["a back quotation", "no entry for `my pass` here", "no entry for [scrubbed] here"],
    ["an open quotation", 'unexpected end of "my pass', "unexpected end of [scrubbed]"],
    ["quotations within one", `cannot parse "["my pass", nope]" now`, "cannot parse [scrubbed] now"],
    ["an escaped quotation", String.raw`got "{\"a\":\"my pass\"}" back`, "got [scrubbed] back"],
    ["an apostrophe in a quotation", "cannot take 'it's my pass' now", "cannot take [scrubbed] now"],
    ["several lines in quotes", 'cannot parse "my\npass" now', "cannot parse [scrubbed] now"],
    ["a key", "key sk-live-4eC39HqLyjWDarjtT1zdp7dc is wrong", "key [scrubbed] is wrong"],
    ["a short key", "hunter2 is wrong", "[scrubbed] is wrong"],
    ["a long word of letters", "token abcdefghijklmnopqrstuvwxyz is wrong", "token [scrubbed] is wrong"],
    ["a URL with a password", "cannot reach https://user:pa55word@host", "cannot reach https://user:[scrubbed]"],
  ])("keeps what helps and masks the rest: %s", (_label, text, scrubbed) => {
    expect(scrubText(text)).toBe(scrubbed);
  });

  it("masks known values wherever they stand, however long the text or the value", () => {
    expect(scrubText("a my pass b my pass c", ["my pass"])).toBe("a [scrubbed] b [scrubbed] c");
    const long = "correct horse ".repeat(1_000);
    expect(scrubText(`before ${long} after`, [long])).toBe("before [scrubbed] after");
    expect(scrubText(`"${"x".repeat(1_990)}" my pass phrase`, ["my pass phrase"])).not.toContain("my pass");
  });

  it("masks no empty value", () => {
    expect(scrubText("plain words", [""])).toBe("plain words");
  });

  it("never gives back a known value, nor more than 500 characters", () => {
    const value = fc
      .string({ minLength: 8, maxLength: 40, unit: "binary" })
      .filter((text) => !"[scrubbed]".includes(text));
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), value, fc.string({ unit: "binary" }), (before, known, after) => {
        const scrubbed = scrubText(`${before}${known}${after}`, [known]);
        expect(scrubbed.includes(known)).toBe(false);
        expect(scrubbed.length).toBeLessThanOrEqual(500);
      }),
      { numRuns: 2_000 },
    );
  });

  it("takes a text of a megabyte, whatever it is made of", () => {
    for (const part of ['"', "'", "`", "a1", "((", " ", "\\", "x y1 '"]) {
      expect(scrubText(part.repeat(500_000)).length).toBeLessThanOrEqual(500);
    }
  });
});
