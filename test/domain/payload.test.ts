import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { equalPayloads, payloadByteLength, payloadBytes } from "../../src/domain/payload.js";

describe("a payload", () => {
  it("is as long as its bytes, and equal to whatever has the same", () => {
    const text = fc.string({ unit: "grapheme" });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const bytes = Buffer.from(a);
        expect(payloadByteLength(a)).toBe(bytes.length);
        expect(payloadByteLength(bytes)).toBe(bytes.length);
        expect(equalPayloads(a, bytes) && equalPayloads(bytes, a) && equalPayloads(a, a)).toBe(true);
        expect(equalPayloads(a, b)).toBe(a === b);
        expect(equalPayloads(bytes, Buffer.from(b))).toBe(a === b);
      }),
    );
  });

  it("gives a view of binary and a copy of text", () => {
    const bytes = Uint8Array.of(1, 2);
    expect(payloadBytes(bytes)).toBe(bytes);
    expect([...payloadBytes("\u20ac")]).toEqual([0xe2, 0x82, 0xac]);
  });
});
