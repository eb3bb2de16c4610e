import type { Action } from "../domain/action.js";
import type { Caller } from "../domain/caller.js";
import { boundedGroups, boundedOptionKeys, boundedText } from "./bounded-text.js";

/**
 * When a record was made: `attempt` before a change reaches the manager, `outcome` before the answer leaves.
 * A read has one record, its outcome; a change has both, so that no change is ever without a trace.
 */
export type AuditPhase = "attempt" | "outcome";

/** One thing somebody asked for, and what became of it. No payload, no option's value, no manager's text. */
export interface AuditRecord {
  readonly phase: AuditPhase;
  readonly requestId: string;
  readonly caller: Caller;
  /** Undefined where several calls are counted. */
  readonly action: Action | undefined;
  /** Undefined for an action that has no one name. */
  readonly name?: string | undefined;
  /** The version and the member that were asked for, where it was not the whole active version. */
  readonly asked?: { readonly version?: number | undefined; readonly field?: string | undefined } | undefined;
  readonly allowed: boolean;
  /** The rule that decided. */
  readonly rule: string;
  /** `ok`, or the reason of the failure; undefined in an attempt. */
  readonly outcome?: string | undefined;
  readonly version?: number | undefined;
  readonly uid?: string | undefined;
  /** A keyed hash of the payload that was released or stored. */
  readonly payloadHash?: string | undefined;
  /** The options the caller gave, without their values. */
  readonly optionKeys?: readonly string[] | undefined;
  /** Why, in the words of whoever did it. */
  readonly cause?: string | undefined;
  /** How many calls that ended like this, since the last such record, have none of their own. */
  readonly leftOut?: number | undefined;
  /** From the call's arrival to this record, in milliseconds. */
  readonly latencyMs?: number | undefined;
}

/**
 * Writes records as JSON lines, by hand: this is the hot part of audit. What callers and rules look like is written
 * once for each of them.
 */
export class AuditRecordFormat {
  // caller → its members
  readonly #callers = new WeakMap<Caller, string>();
  // rule → its member; rules come from the configuration, so there are few
  readonly #rules = new Map<string, string>();

  /** One line without its end, in ASCII; texts that are too long are cut, and say so. */
  format(record: AuditRecord, time: string): string {
    return (
      `{"time":"${time}","phase":"${record.phase}","request_id":${quote(record.requestId)}` +
      `${this.#caller(record.caller)}${actionMember(record.action)}${optional("name", record.name)}${askedMembers(record.asked)}` +
      `,"decision":"${record.allowed ? "allow" : "deny"}"${this.#rule(record.rule)}` +
      `${optional("outcome", record.outcome)}${optional("version", record.version)}${optional("uid", record.uid)}` +
      `${optional("payload_hash", record.payloadHash)}${rareMembers(record)}${latencyMember(record.latencyMs)}}`
    );
  }

  #caller(caller: Caller): string {
    const known = this.#callers.get(caller);
    if (known !== undefined) return known;
    const { principal, groups, provenBy, peer } = caller;
    const membership = groups.length > 0 ? `,"groups":${toJson(boundedGroups(groups))}` : "";
    const members = `,"principal":${quote(principal)}${membership},"proven_by":"${provenBy}","peer":${quote(peer)}`;
    this.#callers.set(caller, members);
    return members;
  }

  #rule(rule: string): string {
    const known = this.#rules.get(rule);
    if (known !== undefined) return known;
    const member = `,"rule":${quote(rule)}`;
    if (this.#rules.size >= maxRules) this.#rules.clear();
    this.#rules.set(rule, member);
    return member;
  }
}

/** How many rules' texts are kept; rules of configurations long reloaded go in the end. */
const maxRules = 10_000;

function actionMember(action: Action | undefined): string {
  return action === undefined ? "" : `,"action":"${action}"`;
}

function askedMembers(asked: AuditRecord["asked"]): string {
  if (asked === undefined) return "";
  return `${optional("asked_version", asked.version)}${optional("asked_field", asked.field)}`;
}

function rareMembers({ optionKeys, cause, leftOut }: AuditRecord): string {
  if (optionKeys === undefined && cause === undefined && leftOut === undefined) return "";
  const keys = optionKeys === undefined ? "" : `,"option_keys":${toJson(boundedOptionKeys(optionKeys))}`;
  return `${keys}${optional("cause", cause)}${optional("left_out", leftOut)}`;
}

/** To the microsecond, and without a float's tail. */
function latencyMember(latencyMs: number | undefined): string {
  return latencyMs === undefined ? "" : `,"latency_us":${String(Math.round(latencyMs * 1_000))}`;
}

function optional(key: string, value: string | number | undefined): string {
  if (value === undefined) return "";
  return `,"${key}":${typeof value === "number" ? String(value) : quote(value)}`;
}

/** Text that JSON writes as it is. */
const plainText = /^[\w /.:@-]*$/;

/** A JSON string; the test costs less than writing what nearly always needs no escaping. */
function quote(text: string): string {
  const bounded = boundedText(text);
  return plainText.test(bounded) ? `"${bounded}"` : toJson(bounded);
}

/**
 * JSON in ASCII alone. So a character is a byte, no reader ends a line at U+2028, and nothing that a caller sends can
 * turn around or hide what a terminal shows of a trail.
 */
function toJson(value: string | readonly string[]): string {
  return JSON.stringify(value).replaceAll(/[\u007f-\uffff]/g, escapeUnit);
}

/** As JSON writes what it escapes. @param unit one UTF-16 code unit */
function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
