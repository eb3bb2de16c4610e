import type { Action } from "../domain/action.js";
import type { Caller } from "../domain/caller.js";

/**
 * When a record was made: `attempt` before a change reaches the manager, `outcome` before the answer leaves.
 * A read has one record, its outcome; a change has both, so that no change is ever without a trace.
 */
export type AuditPhase = "attempt" | "outcome";

/** One thing somebody asked for, and what became of it. No payload, no options, no manager's text. */
export interface AuditRecord {
  readonly phase: AuditPhase;
  readonly requestId: string;
  readonly caller: Caller;
  readonly action: Action;
  /** Undefined for an action that has no one name. */
  readonly name?: string | undefined;
  readonly allowed: boolean;
  /** The rule that decided. */
  readonly rule: string;
  /** `ok`, or the reason of the failure; undefined in an attempt. */
  readonly outcome?: string | undefined;
  readonly version?: number | undefined;
  readonly uid?: string | undefined;
}

/** A record as one JSON line, without the line's end. The hot part of audit: written out by hand. */
export function formatAuditRecord(record: AuditRecord, time: string): string {
  const { caller } = record;
  return (
    `{"time":"${time}","phase":"${record.phase}","request_id":${quote(record.requestId)}` +
    `,"principal":${quote(caller.principal)},"proven_by":"${caller.provenBy}"` +
    `,"peer":${quote(caller.peer)},"action":"${record.action}"${optional("name", record.name)}` +
    `,"decision":"${record.allowed ? "allow" : "deny"}","rule":${quote(record.rule)}` +
    `${optional("outcome", record.outcome)}${optional("version", record.version)}${optional("uid", record.uid)}}`
  );
}

function optional(key: string, value: string | number | undefined): string {
  if (value === undefined) return "";
  return `,"${key}":${typeof value === "number" ? String(value) : quote(value)}`;
}

/** Text that JSON writes as it is. */
const plainText = /^[\w /.:@-]*$/;

/** A JSON string; the test costs less than writing what nearly always needs no escaping. */
function quote(text: string): string {
  return plainText.test(text) ? `"${text}"` : JSON.stringify(text);
}
