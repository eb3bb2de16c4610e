import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AuditRecord, AuditRecordFormat } from "../../src/audit/audit-record.js";
import { actions } from "../../src/domain/action.js";
import { proofs } from "../../src/domain/caller.js";
import { exampleRecord } from "./example-record.js";

const anyText = fc.string({ unit: "binary" });
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });

const anyRecord: fc.Arbitrary<AuditRecord> = fc.record({
  phase: fc.constantFrom("attempt", "outcome"),
  requestId: anyText,
  caller: fc.record({
    principal: anyText,
    groups: fc.array(anyText, { maxLength: 2 }),
    provenBy: fc.constantFrom(...proofs),
    peer: anyText,
  }),
  action: fc.constantFrom(...actions),
  name: maybe(anyText),
  asked: maybe(fc.record({ version: maybe(fc.nat()), field: maybe(anyText) })),
  allowed: fc.boolean(),
  rule: anyText,
  outcome: maybe(anyText),
  version: maybe(fc.nat()),
  uid: maybe(anyText),
  payloadHash: maybe(anyText),
  optionKeys: maybe(fc.array(anyText, { maxLength: 3 })),
  cause: maybe(anyText),
  latencyMs: maybe(fc.integer({ min: 0, max: 1_000_000 })),
});

describe("AuditRecordFormat", () => {
  it("is one line of JSON that says what the record says, whatever it says", () => {
    const time = "2030-01-01T00:00:00.000Z";
    fc.assert(
      fc.property(anyRecord, (record) => {
        const line = new AuditRecordFormat().format(record, time);
        expect(line).toMatch(/^[\x20-\x7e]*$/);
        const { caller, requestId, allowed, asked, payloadHash, optionKeys, latencyMs, ...rest } = record;
        const said = Object.entries(rest).filter(([, value]) => value !== undefined);
        expect(JSON.parse(line)).toEqual({
          ...Object.fromEntries(said),
          time,
          request_id: requestId,
          principal: caller.principal,
          ...(caller.groups.length > 0 && { groups: caller.groups }),
          ...(payloadHash !== undefined && { payload_hash: payloadHash }),
          ...(optionKeys !== undefined && { option_keys: optionKeys }),
          ...(latencyMs !== undefined && { latency_us: latencyMs * 1_000 }),
          ...(asked?.version !== undefined && { asked_version: asked.version }),
          ...(asked?.field !== undefined && { asked_field: asked.field }),
          proven_by: caller.provenBy,
          peer: caller.peer,
          decision: allowed ? "allow" : "deny",
        });
      }),
      { numRuns: 3_000 },
    );
  });

  it("is one line also for readers that know other ends of lines", () => {
    const text = "a\u2028b\u2029c";
    const caller = { principal: text, groups: [text], provenBy: "none", peer: "unix" } as const;
    const record = { ...exampleRecord(1), caller, asked: { field: text }, optionKeys: [text] };
    const line = new AuditRecordFormat().format(record, "2030-01-01T00:00:00.000Z");
    expect(line).not.toMatch(/[\u2028\u2029]/);
    expect(JSON.parse(line)).toMatchObject({ principal: text, groups: [text], asked_field: text, option_keys: [text] });
  });

  it("names 32 of a call's options at most", () => {
    const optionKeys = Array.from({ length: 100 }, (_, index) => `option-${String(index)}`);
    const line = new AuditRecordFormat().format({ ...exampleRecord(1), optionKeys }, "2030-01-01T00:00:00.000Z");
    expect(JSON.parse(line)).toHaveProperty("option_keys", optionKeys.slice(0, 32));
  });
});
