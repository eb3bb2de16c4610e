import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { payloadOf, readValue, trimNewline } from "../../src/cli/read-value.js";

describe("readValue", () => {
  it("puts a value together from its parts, byte for byte", async () => {
    const stream = Readable.from([Buffer.of(0xd0), Buffer.of(0xba, 0x0a)]);
    expect(await readValue(stream, "standard input")).toEqual(Buffer.from("к\n"));
  });

  it("stops at what is far too long to be a secret", async () => {
    const endless = Readable.from(endlessZeros());
    await expect(readValue(endless, "standard input")).rejects.toThrow(
      "the value from standard input is longer than 64 MiB",
    );
  });

  it("tells nothing of a failure's text", async () => {
    const failing = new Readable({
      read() {
        this.destroy(new Error("canary-4711"));
      },
    });
    await expect(readValue(failing, "standard input")).rejects.toThrow(
      "cannot read the value from standard input: it cannot be read",
    );
  });
});

describe("payloadOf", () => {
  it("takes UTF-8 for text and anything else for bytes", () => {
    expect(payloadOf(Buffer.from("ключ"), false)).toBe("ключ");
    expect(payloadOf(Buffer.of(0xff), false)).toEqual(Buffer.of(0xff));
    expect(payloadOf(Buffer.from("text"), true)).toEqual(Buffer.from("text"));
  });
});

describe("trimNewline", () => {
  it("leaves a lone carriage return alone", () => {
    expect(trimNewline(Buffer.from("value\r"))).toEqual(Buffer.from("value\r"));
  });
});

function* endlessZeros(): Generator<Buffer> {
  const zeros = Buffer.alloc(1024 * 1024);
  for (;;) yield zeros;
}
