import { describe, expect, it } from "vitest";
import { parseByteCount, parseDurationMs } from "../../src/config/quantity.js";

describe("a duration", () => {
  it.each([
    ["500ms", 500],
    ["0s", 0],
    ["30s", 30_000],
    ["1.5s", 1_500],
    ["0.001s", 1],
    ["5 m", 300_000],
    ["1h", 3_600_000],
  ])("%s is %d ms", (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  it.each([
    "",
    "5",
    "s",
    "-1s",
    "+1s",
    "1e3s",
    "1,5s",
    "1S",
    "1 min",
    "1d",
    "0.0001s",
    "1.0000s",
    "1s1s",
    " 1s",
    "1s ",
    "1\ns",
    "constructors",
    "9".repeat(16) + "s",
  ])("%j is none", (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });
});

describe("a number of bytes", () => {
  it.each([
    ["65536", 65_536],
    ["0", 0],
    ["1B", 1],
    ["64KiB", 65_536],
    ["1.5KiB", 1_536],
    ["1 MiB", 1_048_576],
  ])("%s is %d bytes", (text, bytes) => {
    expect(parseByteCount(text)).toBe(bytes);
  });

  it.each(["", "KiB", "-1", "1KB", "1kib", "1GiB", "0.1B", "0.0001KiB", "1e3", "0x10", "toString"])(
    "%j is none",
    (text) => {
      expect(parseByteCount(text)).toBeUndefined();
    },
  );
});
