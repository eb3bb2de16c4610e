import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReadSecretRequest, WriteSecretRequest } from "../../src/gen/secretbroker/v1/secret_broker.js";
import { malformedMessage, strictDecode } from "../../src/rpc/strict-decode.js";

const request = WriteSecretRequest.fromPartial({
  name: "NAME\u{1f511}",
  payload: { $case: "text", value: "v\u00e9" },
  description: "d",
  tags: new Map([["key", "tag value"]]),
  options: { mount: "option value", nested: { list: [1, null, "item"] } },
  requestId: "r",
  expectedVersion: 0,
});
const bytes = WriteSecretRequest.encode(request).finish();

/** The message with one text in it made broken UTF-8. */
function breaking(text: string): Uint8Array {
  const broken = Buffer.from(bytes);
  const at = broken.indexOf(text);
  if (at < 0) throw new TypeError(`"${text}" is not in the message`);
  broken[at] = 0xff;
  return broken;
}

describe("strictDecode", () => {
  it("reads what was encoded", () => {
    expect(strictDecode(WriteSecretRequest, bytes)).toEqual(request);
  });

  it.each(["NAME", "v\u00e9", "key", "tag value", "mount", "option value", "nested", "item"])(
    "refuses broken UTF-8 in %j, wherever in the message it is",
    (text) => {
      expect(strictDecode(WriteSecretRequest, breaking(text))).toBe(malformedMessage);
    },
  );

  it.each([
    ["an overlong form", [0xc0, 0xaf]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["a code point beyond Unicode", [0xf4, 0x90, 0x80, 0x80]],
    ["half a character", [0xe2, 0x82]],
  ])("refuses %s in a text", (_label, text) => {
    expect(strictDecode(ReadSecretRequest, Uint8Array.of(0x0a, text.length, ...text))).toBe(malformedMessage);
  });

  it("takes any bytes where bytes are meant", () => {
    const binary = WriteSecretRequest.fromPartial({
      name: "NAME",
      payload: { $case: "binary", value: Buffer.of(0xff, 0xc0, 0x00) },
    });
    expect(strictDecode(WriteSecretRequest, WriteSecretRequest.encode(binary).finish())).toEqual(binary);
  });

  it("skips fields it does not know", () => {
    const unknown = Uint8Array.of(
      ...ReadSecretRequest.encode(ReadSecretRequest.fromPartial({ name: "A" })).finish(),
      0xf8,
      0x7f,
      0x01,
    );
    expect(strictDecode(ReadSecretRequest, unknown)).toMatchObject({ name: "A" });
  });

  it("never throws on a message cut anywhere", () => {
    let malformed = 0;
    for (let length = 0; length < bytes.length; length += 1) {
      if (strictDecode(WriteSecretRequest, bytes.subarray(0, length)) === malformedMessage) malformed += 1;
    }
    expect(malformed).toBeGreaterThan(bytes.length / 2);
  });

  it("never throws on a message with bytes exchanged, or on any bytes at all", () => {
    const exchanged = fc
      .array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
      .map((changes) => {
        const changed = Uint8Array.from(bytes);
        for (const [at, byte] of changes) changed[at] = byte;
        return changed;
      });
    fc.assert(
      fc.property(fc.oneof(exchanged, fc.uint8Array({ maxLength: 200 })), (anything) => {
        const decoded = strictDecode(WriteSecretRequest, anything);
        expect(decoded === malformedMessage || typeof decoded.name === "string").toBe(true);
      }),
      { numRuns: 10_000 },
    );
  });

  it("refuses options nested without end", () => {
    let nested = Buffer.of();
    for (let depth = 0; depth < 20_000 && nested.length < 60_000; depth += 1) {
      const header = (tag: number, length: number): Buffer =>
        length < 128
          ? Buffer.of(tag, length)
          : length < 16_384
            ? Buffer.of(tag, (length & 127) | 128, length >> 7)
            : Buffer.of(tag, (length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14);
      const list = Buffer.concat([header(0x0a, nested.length), nested]);
      nested = Buffer.concat([header(0x32, list.length), list]);
    }
    expect(nested.length).toBeGreaterThan(50_000);
    const decoded = strictDecode(WriteSecretRequest, nested);
    expect(decoded === malformedMessage || typeof decoded.name === "string").toBe(true);
  });
});
