import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Binding, PayloadCipher, type Sealed } from "../../src/encryption/payload-cipher.js";
import { createTextKeys } from "../../src/encryption/text-keys.js";

const hex = (byte: string): string => byte.repeat(32);
const cipher = new PayloadCipher(createTextKeys(hex("11"), "the test"));
const binding: Binding = { storeId: "store", uid: "uid", name: "NAME", version: 1, isText: true };

const bindings: fc.Arbitrary<Binding> = fc.record({
  storeId: fc.string({ maxLength: 3 }),
  uid: fc.string({ maxLength: 3 }),
  name: fc.string({ maxLength: 4 }),
  version: fc.integer({ min: 1, max: 30 }),
  isText: fc.boolean(),
});

async function sealed(payload: Uint8Array = Buffer.from("payload"), own: Binding = binding): Promise<Sealed> {
  return await cipher.seal(own, payload);
}

describe("a payload under a key of its own", () => {
  it("comes back as it was", async () => {
    const run = fc.asyncProperty(bindings, fc.uint8Array({ maxLength: 300 }), async (own, payload) => {
      expect(await cipher.open(own, await sealed(payload, own))).toEqual(payload);
    });
    await fc.assert(run);
  });

  it("does not open under any other binding", async () => {
    const run = fc.asyncProperty(bindings, bindings, async (own, other) => {
      fc.pre(JSON.stringify(own) !== JSON.stringify(other));
      const payload = await sealed(Buffer.from("payload"), own);
      expect(() => cipher.open(other, payload)).toThrow(/do not verify/u);
    });
    await fc.assert(run);
  });

  it("does not open with any bit changed, or cut anywhere", async () => {
    const whole = await sealed();
    for (const part of ["ciphertext", "wrappedKey"] as const) {
      for (let bit = 0; bit < whole[part].length * 8; bit += 1) {
        const bytes = Uint8Array.from(whole[part]);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(() => cipher.open(binding, { ...whole, [part]: bytes })).toThrow(/do not verify/u);
      }
      for (let length = 0; length < whole[part].length; length += 1) {
        expect(() => cipher.open(binding, { ...whole, [part]: whole[part].subarray(0, length) })).toThrow();
      }
    }
  });

  it("does not open with parts of another payload", async () => {
    const [one, other] = [await sealed(), await sealed(Buffer.from("other"))];
    expect(() => cipher.open(binding, { ...one, ciphertext: other.ciphertext })).toThrow(/do not verify/u);
    expect(() => cipher.open(binding, { ...one, wrappedKey: other.wrappedKey })).toThrow(/do not verify/u);
  });

  it("is never the same twice", async () => {
    const seen = new Set<string>();
    for (let turn = 0; turn < 100; turn += 1) seen.add(Buffer.from((await sealed()).ciphertext).toString("hex"));
    expect(seen.size).toBe(100);
  });

  it("opens after a rotation and a rewrap, when the old key is gone", async () => {
    const before = await sealed();
    const both = new PayloadCipher(createTextKeys(`${hex("22")},${hex("11")}`, "the test"));
    const rewrapped = { ...before, ...(await both.rewrap(binding, before)) };
    expect(rewrapped.keyId).toBe(await both.currentKeyId());
    const after = new PayloadCipher(createTextKeys(hex("22"), "the test"));
    expect(await after.open(binding, rewrapped)).toEqual(new Uint8Array(Buffer.from("payload")));
    expect(() => after.open(binding, before)).toThrow(/is not configured/u);
  });
});

describe("keys as text", () => {
  it.each([hex("ab"), Buffer.alloc(32, 5).toString("base64"), ` ${hex("AB")} , ${hex("cd")}`])(
    "are read: %s",
    (text) => {
      expect(() => createTextKeys(text, "the test")).not.toThrow();
    },
  );

  it.each(["", "short", hex("ab").slice(2), `${hex("ab")}00`, `${hex("ab")},`, "?".repeat(43)])(
    "are refused, and not quoted: %s",
    (text) => {
      expect(() => createTextKeys(text, "the variable KEY")).toThrow(/32 random bytes/u);
    },
  );
});
