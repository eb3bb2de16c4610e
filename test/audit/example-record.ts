import type { AuditRecord } from "../../src/audit/audit-record.js";

/** A record that can be told from others by its request's id. */
export function exampleRecord(requestId: number | string): AuditRecord {
  return {
    phase: "outcome",
    requestId: String(requestId),
    caller: { principal: "local", groups: [], provenBy: "none", peer: "unix" },
    action: "read",
    name: "NAME",
    allowed: true,
    rule: "access_mode: read_only",
    outcome: "ok",
  };
}

/** The request ids in a text of records, in their order; a line that is neither a record nor the chain's fails. */
export function requestIdsIn(text: string): string[] {
  return recordLines(text).map((line) => (JSON.parse(line) as { request_id: string }).request_id);
}

/** The lines that are records. */
export function recordLines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith('{"audit":'));
}
