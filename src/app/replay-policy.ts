import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { z } from "zod";
import type { Config } from "../config/config.js";
import { actions } from "../domain/action.js";
import { secretNameProblem, type SecretName } from "../domain/secret-name.js";
import { decideNames } from "../policy/decide-names.js";
import type { Policy } from "../policy/policy.js";
import { brokerSettings } from "./broker-settings.js";

/** Calls of the past that would be decided another way. */
export interface ReplayedChange {
  readonly principal: string;
  readonly action: string;
  /** Of the names of a call the one that would decide; undefined for an action that has no one name. */
  readonly name: string | undefined;
  readonly before: "allow" | "deny";
  readonly after: "allow" | "deny";
  /** The rule that would decide. */
  readonly rule: string;
  /** How many calls. */
  calls: number;
}

/** What a replay found. */
export interface Replay {
  /** How many calls were decided again. */
  readonly calls: number;
  /** How many lines were no records of calls, or of calls that something else than policy refused. */
  readonly skipped: number;
  readonly changes: readonly ReplayedChange[];
}

/** How many different changes are told apart; a candidate that changes more is another policy. */
const maxChanges = 100_000;

/** How lines of the audit trail begin that are no records. */
const chainLinePrefix = '{"audit":';

/** What of a record matters here; records may say more. */
const recordSchema = z.object({
  phase: z.enum(["attempt", "outcome"]),
  request_id: z.string().default(""),
  // Whoever was refused for a credential is nobody, and policy was not asked.
  principal: z.string().min(1),
  groups: z.array(z.string()).default([]),
  action: z.enum(actions),
  name: z
    .string()
    .refine((name) => secretNameProblem(name) === undefined)
    .optional(),
  asked_version: z.number().optional(),
  asked_field: z.string().optional(),
  decision: z.enum(["allow", "deny"]),
  // A freeze is no policy.
  rule: z.string().refine((rule) => rule !== "frozen"),
  // Nor are limits.
  outcome: z
    .string()
    .refine((outcome) => outcome !== "RATE_LIMITED")
    .optional(),
});

type CallRecord = z.infer<typeof recordSchema>;

/** A call of the past: what its record says, and the name of every record it has. */
interface PastCall extends Omit<CallRecord, "name"> {
  readonly names: readonly SecretName[];
}

/** Decides the calls of an audit trail again, under another configuration; reads line by line. */
export async function replayPolicy(candidate: Config, auditFile: string): Promise<Replay> {
  const { policy } = brokerSettings(candidate, new Map());
  const changes = new Map<string, ReplayedChange>();
  let calls = 0;
  let skipped = 0;
  const lines = createInterface({ input: createReadStream(auditFile), crlfDelay: Infinity });
  for await (const call of callsOf(outcomesOf(lines, () => (skipped += 1)))) {
    calls += 1;
    noteChange(changes, call, policy);
  }
  return { calls, skipped, changes: [...changes.values()] };
}

/** The outcomes on a trail's lines. @param onSkipped called for each line that is no record of a call */
async function* outcomesOf(lines: AsyncIterable<string>, onSkipped: () => void): AsyncGenerator<CallRecord> {
  for await (const line of lines) {
    const record = parseRecord(line);
    // Lines that sign what stands before them are no calls, and nothing that was left out.
    if (record === undefined && line !== "" && !line.startsWith(chainLinePrefix)) onSkipped();
    // A change has an attempt and an outcome.
    if (record?.phase === "outcome") yield record;
  }
}

/** The calls whose outcomes these are, in their order. */
async function* callsOf(outcomes: AsyncIterable<CallRecord>): AsyncGenerator<PastCall> {
  let waiting: PastCall | undefined;
  for await (const { name, ...record } of outcomes) {
    const names = name === undefined ? [] : [name as SecretName];
    const call = { ...record, names };
    if (waiting !== undefined && isSameCall(waiting, call)) {
      yield { ...waiting, names: [...waiting.names, ...names] };
      waiting = undefined;
      continue;
    }
    if (waiting !== undefined) yield waiting;
    waiting = call;
  }
  if (waiting !== undefined) yield waiting;
}

/**
 * Whether two records, one after the other, are those of a rotation to a new name. No other call is decided as a whole for
 * several names, and request ids may be the caller's own, so neither tells enough by itself.
 */
function isSameCall(one: PastCall, other: PastCall): boolean {
  if (one.action !== "rotate" || one.names[0] === other.names[0]) return false;
  const members = ["action", "request_id", "principal", "decision", "rule", "outcome"] as const;
  return members.every((member) => one[member] === other[member]);
}

function parseRecord(line: string): CallRecord | undefined {
  try {
    return recordSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

function noteChange(changes: Map<string, ReplayedChange>, call: PastCall, policy: Policy): void {
  const { principal, groups, action, names, decision: before, asked_version: version, asked_field: field } = call;
  const caller = { principal, groups, provenBy: "none", peer: "internal" } as const;
  const { allowed, rule } = decideNames(policy, caller, { action, names, part: { version, field } });
  const after = allowed ? "allow" : "deny";
  if (before === after) return;
  const name = names.find((each) => !policy.decide(caller, action, each).allowed) ?? names.at(-1);
  const key = JSON.stringify([principal, action, name, before, rule]);
  const known = changes.get(key);
  if (known !== undefined) known.calls += 1;
  else if (changes.size < maxChanges) changes.set(key, { principal, action, name, before, after, rule, calls: 1 });
}
