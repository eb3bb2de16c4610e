import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { z } from "zod";
import type { Config } from "../config/config.js";
import { actions } from "../domain/action.js";
import { secretNameProblem, type SecretName } from "../domain/secret-name.js";
import type { Decision, Policy } from "../policy/policy.js";
import { brokerSettings } from "./broker-settings.js";

/** Calls of the past that would be decided another way. */
export interface ReplayedChange {
  readonly principal: string;
  readonly action: string;
  /** Undefined for an action that has no one name. */
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

/** Decides the calls of an audit trail again, under another configuration; reads line by line. */
export async function replayPolicy(candidate: Config, auditFile: string): Promise<Replay> {
  const { policy } = brokerSettings(candidate, new Map());
  const changes = new Map<string, ReplayedChange>();
  let calls = 0;
  let skipped = 0;
  for await (const line of createInterface({ input: createReadStream(auditFile), crlfDelay: Infinity })) {
    const record = parseRecord(line);
    if (record === undefined) {
      // Lines that sign what stands before them are no calls, and nothing that was left out.
      if (line !== "" && !line.startsWith(chainLinePrefix)) skipped += 1;
      continue;
    }
    // A change has an attempt and an outcome.
    if (record.phase === "attempt") continue;
    calls += 1;
    noteChange(changes, record, decideAgain(policy, record));
  }
  return { calls, skipped, changes: [...changes.values()] };
}

function parseRecord(line: string): CallRecord | undefined {
  try {
    return recordSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

function decideAgain(policy: Policy, record: CallRecord): Decision {
  const { principal, groups, action, name, asked_version: version, asked_field: field } = record;
  const caller = { principal, groups, provenBy: "none", peer: "internal" } as const;
  if (name === undefined) return policy.decideAction(caller, action);
  return policy.decide(caller, action, name as SecretName, { version, field });
}

function noteChange(changes: Map<string, ReplayedChange>, record: CallRecord, { allowed, rule }: Decision): void {
  const { principal, action, name, decision: before } = record;
  const after = allowed ? "allow" : "deny";
  if (before === after) return;
  const key = JSON.stringify([principal, action, name, before, rule]);
  const known = changes.get(key);
  if (known !== undefined) known.calls += 1;
  else if (changes.size < maxChanges) changes.set(key, { principal, action, name, before, after, rule, calls: 1 });
}
