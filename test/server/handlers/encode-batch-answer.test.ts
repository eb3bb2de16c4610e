import { describe, expect, it } from "vitest";
import type { BatchItem } from "../../../src/broker/broker.js";
import type { Secret } from "../../../src/domain/secret.js";
import { SecretError } from "../../../src/domain/secret-error.js";
import { parseSecretName } from "../../../src/domain/secret-name.js";
import {
  BatchReadSecretsResponse,
  type BatchReadSecretsResult,
} from "../../../src/gen/secretbroker/v1/secret_broker.js";
import { encodeStatus } from "../../../src/rpc/encode-status.js";
import { encodeBatchAnswer } from "../../../src/server/handlers/encode-batch-answer.js";
import { wireReadResult } from "../../../src/server/handlers/read-secret.js";

const requestId = "request-1";

function found(payload: Secret["payload"], isHot: boolean): BatchItem {
  const secret: Secret = { name: parseSecretName("A"), payload, version: 300, tags: { a: "b" } };
  const origin = isHot ? { servedFrom: "cache", ageMs: 1_234 } : { servedFrom: "manager", ageMs: undefined };
  const read = { secret: isHot ? Object.freeze(secret) : secret, notModified: false, origin } as const;
  return { read: read as Extract<BatchItem, { read: unknown }>["read"] };
}

const failed: BatchItem = { error: SecretError.notFound("GONE") };

/** As the generated code writes it. */
function plainly(items: readonly BatchItem[]): Buffer {
  const results = items.map((item): BatchReadSecretsResult => {
    if ("error" in item) return { result: { $case: "error", value: encodeStatus(item.error, requestId) } };
    return { result: { $case: "read", value: wireReadResult(item.read) } };
  });
  return Buffer.from(BatchReadSecretsResponse.encode({ results }).finish());
}

describe("a batch's answer", () => {
  // Around each length whose number takes a byte more, and beyond.
  const lengths = [0, 1, 60, 80, 100, 110, 127, 128, 200, 16_250, 16_300, 16_383, 16_384, 2_097_120, 2_097_152];

  it.each(lengths)("is what the generated code writes, with payloads of %i bytes", (length) => {
    const text = "x".repeat(length);
    const items = [
      found(text, true),
      failed,
      found(new Uint8Array(length), false),
      found(text, false),
      found(text, true),
    ];
    expect(encodeBatchAnswer({ items, requestId }).equals(plainly(items))).toBe(true);
  });

  it("may hold nothing but failures, or a secret the caller has already", () => {
    const known: BatchItem = {
      read: {
        secret: Object.freeze<Secret>({ name: parseSecretName("A"), payload: "hidden", version: 1 }),
        notModified: true,
        origin: { servedFrom: "manager", ageMs: undefined },
      },
    };
    for (const items of [[failed, failed], [known]]) {
      const bytes = encodeBatchAnswer({ items, requestId });
      expect(bytes).toEqual(plainly(items));
      expect(bytes.includes("hidden")).toBe(false);
    }
  });
});
