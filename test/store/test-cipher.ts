import { PayloadCipher } from "../../src/encryption/payload-cipher.js";
import { createTextKeys } from "../../src/encryption/text-keys.js";

/** Keys of the tests: the first wraps. */
export const testKeys: readonly string[] = ["11", "22"].map((byte) => byte.repeat(32));

/** The real cipher with keys of the tests; the first given is the current one. */
export function testCipher(keys: readonly string[] = testKeys.slice(0, 1)): PayloadCipher {
  return new PayloadCipher(createTextKeys(keys.join(","), "the tests"));
}
