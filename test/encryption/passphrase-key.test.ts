import { beforeAll, describe, expect, it } from "vitest";
import { createPassphraseKey } from "../../src/encryption/passphrase-key.js";
import type { LocalKeys } from "../../src/encryption/local-keys.js";

const description = "the test";
const text = "twelve characters and more";
const context = "context";
const dataKey = new Uint8Array(32).fill(7);

let key: LocalKeys;
beforeAll(async () => {
  key = await createPassphraseKey({ text, description }, "store");
});

describe("a passphrase", () => {
  it("makes the same key again for the same store", async () => {
    const wrapped = key.wrap(dataKey, context);
    const again = await createPassphraseKey({ text, description }, "store");
    expect(again.currentKeyId()).toBe(key.currentKeyId());
    expect(again.unwrap(wrapped, context)).toEqual(dataKey);
  });

  it("makes another key for another store, and another passphrase does for the same", async () => {
    const otherStore = await createPassphraseKey({ text, description }, "other");
    const otherText = await createPassphraseKey({ text: `${text}.`, description }, "store");
    const ids = [key, otherStore, otherText].map((each) => each.currentKeyId());
    expect(new Set(ids).size).toBe(3);
    expect(() => otherText.unwrap(key.wrap(dataKey, context), context)).toThrow("is not configured");
  });

  it("is the same however its letters are put together", async () => {
    const composed = { text: "caf\u00e9 cr\u00e8me br\u00fbl\u00e9e", description };
    const decomposed = { text: "cafe\u0301 cre\u0300me bru\u0302le\u0301e", description };
    const [one, other] = [await createPassphraseKey(composed, "store"), await createPassphraseKey(decomposed, "store")];
    expect(one.currentKeyId()).toBe(other.currentKeyId());
  });

  it.each(["", "short", "eleven char"])("of few characters is refused: %j", async (short) => {
    await expect(createPassphraseKey({ text: short, description }, "store")).rejects.toMatchObject({
      reason: "CONFIG_INVALID",
      message: "the passphrase of the test must have at least 12 characters",
    });
  });
});
