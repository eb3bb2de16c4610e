import { describe, expect, it } from "vitest";
import type { ReadOrigin } from "../../../src/broker/read-origin.js";
import type { Secret } from "../../../src/domain/secret.js";
import { parseSecretName } from "../../../src/domain/secret-name.js";
import { ReadSecretResponse } from "../../../src/gen/secretbroker/v1/secret_broker.js";
import { encodeReadResult } from "../../../src/server/handlers/encode-read-result.js";
import { wireReadResult } from "../../../src/server/handlers/read-secret.js";

const hot: Secret = Object.freeze({ name: parseSecretName("A"), payload: "value", version: 300, tags: { a: "b" } });
const ages = [undefined, 0, 0.2, 1, 127, 128, 999, 999.5, 1_000, 1_001, 16_384_000, 86_400_000, 31_536_000_999];

describe("an answer whose secret is hot", () => {
  it.each(ages)("is encoded as any other is, with an age of %s ms", (ageMs) => {
    for (const servedFrom of ["manager", "cache", "stale"] as const) {
      const origin: ReadOrigin = { servedFrom, ageMs: servedFrom === "manager" ? undefined : ageMs };
      const result = { secret: hot, notModified: false, origin };
      const bytes = encodeReadResult(result);
      expect(bytes).toEqual(Buffer.from(ReadSecretResponse.encode(wireReadResult(result)).finish()));
      expect(ReadSecretResponse.decode(bytes)).toEqual(wireReadResult(result));
    }
  });

  it("is encoded once, and the copies with an age leave it as it was", () => {
    const manager = { secret: hot, notModified: false, origin: { servedFrom: "manager", ageMs: undefined } } as const;
    const first = encodeReadResult(manager);
    const before = Buffer.from(first);
    encodeReadResult({ ...manager, origin: { servedFrom: "stale", ageMs: 12_345 } });
    expect(encodeReadResult(manager)).toBe(first);
    expect(first).toEqual(before);
  });

  it("says nothing of its payload to whoever has it", () => {
    const origin = { servedFrom: "cache", ageMs: 5 } as const;
    const bytes = encodeReadResult({ secret: hot, notModified: true, origin });
    expect(bytes.includes("value")).toBe(false);
    expect(ReadSecretResponse.decode(bytes)).toMatchObject({ notModified: true, servedFrom: 2 });
  });
});
