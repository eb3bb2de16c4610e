import assert from "node:assert/strict";
import type { LawDefinition } from "../law.js";
import { assertPayload, assertReads } from "./law-assertions.js";

/** What a text is called → the text. */
const texts: ReadonlyMap<string, string> = new Map([
  ['the text "True"', "True"],
  ['the text "false"', "false"],
  ['the text "null"', "null"],
  ["a number with spaces around it", " 1 "],
  ["a number with leading zeroes", "0012.50"],
  ["text that is JSON", '{"a": [1, 2.0], "b": "\\u00e9"}\n'],
  ["text in quotes", `"it's"`],
  ["a reference of the configuration's form", "os.environ/OPENAI_API_KEY"],
  ["a text with a line feed at its end", "line\n"],
  ["a text with all kinds of line ends", "a\r\nb\rc\n\n\td "],
  ["a text with NUL in it", "before\u0000after"],
  ["characters beyond the basic plane", "\u{1f511}\u{1d11e}\u{10ffff}"],
  ["combining characters, not normalised", "e\u0301 \u00e9 \ufb01"],
  ["a lone byte order mark", "\ufeff"],
  ["a text after a byte order mark", "\ufefftext"],
  ["a replacement character", "\ufffd"],
  ["4 KiB of text", "0123456789abcdef".repeat(256)],
  ["64 KiB of text of many bytes a character", "\u20ac\u{1f511}\u00e9\u0000".repeat(6_554)],
]);

/** What some bytes are called → the bytes. */
const bytes: ReadonlyMap<string, Uint8Array> = new Map([
  ["no bytes at all", new Uint8Array()],
  ["bytes that are not UTF-8", Uint8Array.of(0xff, 0x00, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80)],
  ["one zero byte", Uint8Array.of(0)],
  ["every byte once", Uint8Array.from({ length: 256 }, (_, index) => index)],
  ["the bytes of a byte order mark", Uint8Array.of(0xef, 0xbb, 0xbf)],
  ["bytes that could be text", new TextEncoder().encode("could be text")],
  ["4 KiB of bytes", Uint8Array.from({ length: 4_096 }, (_, index) => (index * 31) % 251)],
  ["64 KiB of bytes", Uint8Array.from({ length: 65_536 }, (_, index) => (index * 7 + (index >> 8)) % 256)],
]);

/** Payloads come back exactly as they went in. */
export const payloadLaws: readonly LawDefinition[] = [
  ...[...texts].map(([label, text]): LawDefinition => ({
    name: `reads ${label} as it was written`,
    async check(probe) {
      await probe.store("TEXT", text);
      await assertReads(probe, "TEXT", text);
    },
  })),
  ...[...bytes].map(([label, value]): LawDefinition => ({
    name: `reads ${label} as they were written`,
    payloads: "binary",
    async check(probe) {
      await probe.store("BYTES", Uint8Array.from(value));
      await assertReads(probe, "BYTES", value);
    },
  })),
  {
    name: "keeps only what a view shows of a larger buffer",
    payloads: "binary",
    async check(probe) {
      const buffer = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
      await probe.store("VIEW", buffer.subarray(2, 5));
      await assertReads(probe, "VIEW", Uint8Array.of(3, 4, 5));
    },
  },
  {
    name: "keeps its bytes when the writer overwrites its buffer",
    payloads: "binary",
    async check(probe) {
      const buffer = Buffer.from([1, 2, 3]);
      await probe.store("MINE", buffer);
      buffer.fill(0);
      await assertReads(probe, "MINE", Uint8Array.of(1, 2, 3));
    },
  },
  {
    name: "keeps its bytes when the reader overwrites what it got",
    payloads: "binary",
    async check(probe) {
      await probe.store("YOURS", Uint8Array.of(1, 2, 3));
      const first = await probe.read("YOURS");
      const second = await probe.read("YOURS");
      if (first?.value instanceof Uint8Array) first.value.fill(0);
      assertPayload(second, Uint8Array.of(1, 2, 3));
      await assertReads(probe, "YOURS", Uint8Array.of(1, 2, 3));
    },
  },
  {
    name: "refuses bytes rather than keeping something else",
    needs: ["write"],
    payloads: "text_only",
    async check(probe) {
      await probe.write("TEXT", "text");
      await assert.rejects(probe.write("TEXT", Uint8Array.of(0xff, 0x00)));
      await assert.rejects(probe.write("BYTES", Uint8Array.of(0x61)));
      await assertReads(probe, "TEXT", "text");
      await assertReads(probe, "BYTES", undefined);
    },
  },
];
