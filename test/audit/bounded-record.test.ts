import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type AuditRecord, AuditRecordFormat } from "../../src/audit/audit-record.js";
import { maxRecordBytes } from "../../src/audit/bounded-text.js";
import { maxLineBytes } from "../../src/audit/chain-link.js";
import { exampleRecord } from "./example-record.js";
import { openChain, verifyTrail } from "./open-chain.js";

const time = "2030-01-01T00:00:00.000Z";

/** As long as anything that fits into a message. */
const longest = 4 * 1024 * 1024;

/** What takes the most room in JSON, or is no text for some readers. */
const pieces = ["\u0001", "\u0000", '"', "\\", "\n", "\u2028", "\ud800", "\udfff", "\u{1f511}", "é", "a", '","link":1'];

const worstText = fc
  .tuple(
    fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 4 }),
    fc.constantFrom(0, 1, 128, 5_000, longest),
  )
  .map(([parts, length]) => {
    const part = parts.join("");
    return part.repeat(Math.ceil(length / part.length)).slice(0, length);
  });

const worstRecord: fc.Arbitrary<AuditRecord> = fc
  .record({
    text: fc.array(worstText, { minLength: 10, maxLength: 10 }),
    many: fc.tuple(worstText, fc.constantFrom(0, 1, 33, 100_000)),
  })
  .map(({ text, many: [each, count] }) => {
    const [requestId = "", principal = "", peer = "", name, field, rule = "", outcome, uid, payloadHash, cause] = text;
    const list = Array.from({ length: count }, () => each);
    return {
      ...{ phase: "outcome", action: "read", allowed: false, version: Number.MAX_SAFE_INTEGER },
      ...{ requestId, name, rule, outcome, uid, payloadHash, cause },
      caller: { principal, groups: list, provenBy: "forwarded_certificate", peer },
      asked: { version: Number.MAX_SAFE_INTEGER, field },
      ...{ optionKeys: list, leftOut: Number.MAX_SAFE_INTEGER, latencyMs: Number.MAX_SAFE_INTEGER / 1_000 },
    };
  });

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe("a record of the worst texts", () => {
  it(
    "is a line far below what a verification takes for one, in a trail that is whole",
    { timeout: 120_000 },
    async () => {
      expect(maxRecordBytes).toBeLessThan(maxLineBytes / 2);
      const path = join(folder, "audit.jsonl");
      const { sink } = await openChain(path);
      let records = 0;
      const property = fc.asyncProperty(worstRecord, async (record) => {
        const line = new AuditRecordFormat().format(record, time);
        expect(line.length).toBeLessThan(maxRecordBytes);
        expect(/[^\x20-\x7e]/u.test(line)).toBe(false);
        expect(JSON.parse(line)).toHaveProperty("decision", "deny");
        await sink.write(Buffer.from(`${line}\n`));
        records += 1;
      });
      await fc.assert(property, { numRuns: 60 });
      await sink.close();
      expect(await verifyTrail(path, sink.position.end)).toMatchObject({ faults: [], records, torn: 0 });
      const again = await openChain(path);
      await again.sink.close();
      expect(again.findings).toEqual([]);
    },
  );

  it("is such a line also when all of its texts are the worst", () => {
    const text = "\u0001".repeat(longest);
    const many = Array.from({ length: 100_000 }, () => text);
    const line = new AuditRecordFormat().format(
      {
        ...{ phase: "outcome", requestId: text, action: "read", allowed: false, asked: { field: text } },
        ...{ name: text, rule: text, outcome: text, uid: text, payloadHash: text, cause: text, optionKeys: many },
        caller: { principal: text, groups: many, provenBy: "jwt", peer: text },
      },
      time,
    );
    expect(line.length).toBeLessThan(maxRecordBytes);
  });

  const formatted = (changes: Partial<AuditRecord>): Record<string, unknown> =>
    JSON.parse(new AuditRecordFormat().format({ ...exampleRecord(1), ...changes }, time)) as Record<string, unknown>;

  it("says which of its texts were cut, and by how much", () => {
    expect(formatted({ optionKeys: ["k".repeat(128), "k".repeat(129), "x".repeat(1_128)] })["option_keys"]).toEqual([
      "k".repeat(128),
      `${"k".repeat(128)}… 1 more characters`,
      `${"x".repeat(128)}… 1000 more characters`,
    ]);
    const uid = "u".repeat(4_096);
    expect(formatted({ uid, cause: `${uid}${uid}` })).toMatchObject({ uid, cause: `${uid}… 4096 more characters` });
  });

  it("does not cut a pair of surrogates into halves", () => {
    const [key = ""] = formatted({ optionKeys: [`${"k".repeat(127)}\u{1f511}\u{1f511}`] })["option_keys"] as string[];
    expect(key).toBe(`${"k".repeat(127)}… 4 more characters`);
  });

  it("names a thousand groups, and counts those that are more or too long together", () => {
    const grouped = (groups: readonly string[]): unknown =>
      formatted({ caller: { ...exampleRecord(1).caller, groups } })["groups"];
    const thousand = Array.from({ length: 1_000 }, (_, index) => `group-${String(index)}`);
    expect(grouped(thousand)).toEqual(thousand);
    expect(grouped([...thousand, "a", "b"])).toEqual([...thousand, "… 2 more groups"]);
    const long = Array.from({ length: 20 }, () => "g".repeat(4_096));
    expect(grouped(long)).toEqual([...long.slice(0, 16), "… 4 more groups"]);
  });
});
