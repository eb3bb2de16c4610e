import { createDecipheriv } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SecretError } from "../../src/domain/secret-error.js";
import type { KeyProvider } from "../../src/encryption/key-provider.js";
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

/** A version as it stands in a store. */
type Row = Binding & Sealed;

/** Opens by nothing but AES-256-GCM: a format byte, the nonce, the ciphertext, the tag. */
function decipher(key: Uint8Array, sealed: Uint8Array, context: string): Buffer {
  expect(sealed[0]).toBe(1);
  const opened = createDecipheriv("aes-256-gcm", key, sealed.subarray(1, 13));
  opened.setAAD(Buffer.from(context)).setAuthTag(sealed.subarray(-16));
  return Buffer.concat([opened.update(sealed.subarray(13, -16)), opened.final()]);
}

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

  it("does not open when anything changed places with another row", async () => {
    const rows = new PayloadCipher(createTextKeys(`${hex("22")},${hex("11")}`, "the test"));
    const columns = [
      "storeId",
      "uid",
      "name",
      "version",
      "isText",
      "keyId",
      "wrappedKey",
      "ciphertext",
    ] as const satisfies readonly (keyof Row)[];
    const run = fc.asyncProperty(
      bindings,
      bindings,
      fc.subarray([...columns], { minLength: 1 }),
      async (own, of, moved) => {
        const one: Row = { ...own, ...(await cipher.seal(own, Buffer.from("one"))) };
        const other: Row = { ...of, ...(await rows.seal(of, Buffer.from("other"))) };
        const swapped: Row = { ...one, ...Object.fromEntries(moved.map((column) => [column, other[column]])) };
        // Where the rows are the same anyway, nothing was swapped; and a whole row that moved is the other row.
        const isChanged = columns.some((column) => swapped[column] !== one[column]);
        const isOther = columns.every((column) => swapped[column] === other[column]);
        fc.pre(isChanged && !isOther);
        expect(() => rows.open(swapped, swapped)).toThrow(expect.objectContaining({ reason: "PAYLOAD_CORRUPT" }));
      },
    );
    await fc.assert(run, { numRuns: 500 });
  });

  it("is bound to the same bytes for ever", async () => {
    const own = { storeId: "store", uid: "uid", name: "N\u00c4ME/\ud83d\udd11", version: 12, isText: false };
    const { keyId, wrappedKey, ciphertext } = await sealed(Buffer.from("payload"), own);
    const bound = "5:store3:uid2:126:binary10:N\u00c4ME/\ud83d\udd11";
    const dataKey = decipher(
      Buffer.from(hex("11"), "hex"),
      wrappedKey,
      `16:secret-broker v18:data key${bound}key:${keyId}`,
    );
    expect(decipher(dataKey, ciphertext, `16:secret-broker v17:payload${bound}`).toString()).toBe("payload");
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

describe("a cipher", () => {
  /** Local keys that remember the data keys they were given and gave. */
  class Recorder implements KeyProvider {
    readonly description = "the test";
    readonly seen: Uint8Array[] = [];
    readonly #keys = createTextKeys(hex("11"), "the test");
    readonly #isLate: boolean;
    fails = false;

    constructor({ isLate }: { readonly isLate: boolean }) {
      this.#isLate = isLate;
    }

    currentKeyId: KeyProvider["currentKeyId"] = () => this.#keys.currentKeyId();

    wrap: KeyProvider["wrap"] = (dataKey, context) => {
      this.seen.push(dataKey);
      return this.#answer(() => this.#keys.wrap(dataKey, context));
    };

    unwrap: KeyProvider["unwrap"] = (wrapped, context) =>
      this.#answer(
        () => this.#keys.unwrap(wrapped, context),
        (dataKey) => this.seen.push(dataKey),
      );

    #answer<T>(make: () => T | PromiseLike<T>, tell: (made: T) => void = () => undefined): T | PromiseLike<T> {
      const attempt = async (): Promise<T> => {
        await Promise.resolve();
        if (this.fails) throw new SecretError("MANAGER_UNAVAILABLE", "is away");
        const made = await make();
        tell(made);
        return made;
      };
      if (this.#isLate) return attempt();
      if (this.fails) throw new SecretError("MANAGER_UNAVAILABLE", "is away");
      const made = make();
      if (isPromise(made)) throw new TypeError("local keys answer at once");
      tell(made);
      return made;
    }
  }

  it("answers at once where the keys do", () => {
    const payload = cipher.seal(binding, Buffer.from("payload"));
    expect(isPromise(payload)).toBe(false);
    if (isPromise(payload)) return;
    expect(isPromise(cipher.rewrap(binding, payload))).toBe(false);
    expect(isPromise(cipher.open(binding, payload))).toBe(false);
  });

  it.each([{ isLate: false }, { isLate: true }])(
    "overwrites data keys after use, also when it fails: %o",
    async (how) => {
      const keys = new Recorder(how);
      const recorded = new PayloadCipher(keys);
      const payload = await recorded.seal(binding, Buffer.from("payload"));
      await recorded.open(binding, payload);
      await recorded.rewrap(binding, payload);
      const damaged = { ...payload, ciphertext: payload.ciphertext.map((byte) => byte ^ 1) };
      await expect(async () => await recorded.open(binding, damaged)).rejects.toThrow(/do not verify/u);
      keys.fails = true;
      await expect(async () => await recorded.seal(binding, Buffer.from("payload"))).rejects.toThrow(/is away/u);
      expect(keys.seen.length).toBeGreaterThanOrEqual(6);
      for (const key of keys.seen) expect(key.every((byte) => byte === 0)).toBe(true);
    },
  );

  it("wraps and unwraps nothing with keys that are closed", () => {
    const keys = createTextKeys(hex("11"), "the test");
    const wrapped = keys.wrap(new Uint8Array(32), "context");
    keys.close?.();
    expect(() => keys.wrap(new Uint8Array(32), "context")).toThrow(/are closed/u);
    expect(isPromise(wrapped)).toBe(false);
    if (!isPromise(wrapped)) expect(() => keys.unwrap(wrapped, "context")).toThrow(/are closed/u);
  });
});

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && "then" in value;
}

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
