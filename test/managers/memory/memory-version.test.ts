import { describe, expect, it } from "vitest";
import { MemoryVersion } from "../../../src/managers/memory/memory-version.js";

describe("MemoryVersion", () => {
  it("overwrites its bytes with zeroes and not those it has handed out", () => {
    const value = Uint8Array.of(1, 2, 3);
    const labels = { uid: "u", description: undefined, tags: undefined };
    const version = new MemoryVersion({ version: 1, value, createTimeMs: 0, expireTimeMs: undefined }, labels);
    const handedOut = version.read(Date.now)?.value;
    version.zero();
    expect(value).toEqual(new Uint8Array(3));
    expect(handedOut).toEqual(Uint8Array.of(1, 2, 3));
  });
});
