import type { Command } from "commander";
import type { PolicyCase } from "../config/policy-cases.js";
import { addOutputOptions, type CommandContext, type OutputOptions, withInherited } from "./command-context.js";
import { exitCodes } from "./exit-codes.js";
import { formatTable } from "./format-table.js";

interface TestOptions extends OutputOptions {
  readonly config: string;
}

interface ReplayOptions extends OutputOptions {
  readonly candidate: string;
  readonly audit: string;
}

/** Declares `policy test` and `policy replay`. */
export function addPolicyTestCommands(policy: Command, context: CommandContext): void {
  const test = policy
    .command("test")
    .description("decide the cases of a file; exits with 1 when one is decided another way than it says")
    .argument("<file>", "the file of cases")
    .requiredOption("--config <file>", "the config.yaml")
    .action((file: string, own: TestOptions, self: Command) => testPolicy(context, file, withInherited(own, self)));
  addOutputOptions(test);
  const replay = policy
    .command("replay")
    .description("show which calls of the past another configuration would decide another way; exits with 1 then")
    .requiredOption("--candidate <file>", "the config.yaml to try")
    .requiredOption("--audit <file>", "the audit records of the past")
    .action((own: ReplayOptions, self: Command) => replayAudit(context, withInherited(own, self)));
  addOutputOptions(replay);
}

async function testPolicy(context: CommandContext, file: string, { config, json }: TestOptions): Promise<void> {
  const [{ loadConfig }, { loadPolicyCases }, { explainConfigured }] = await Promise.all([
    import("../config/load-config.js"),
    import("../config/policy-cases.js"),
    import("../app/explain-configured.js"),
  ]);
  const { config: loaded } = await loadConfig(config);
  const cases = await loadPolicyCases(file);
  const failures = cases.flatMap((each, index) => {
    const { principal, groups, action, name, version, field } = each;
    const caller = { principal, groups, provenBy: "none", peer: "internal" } as const;
    const { decision } = explainConfigured(loaded, { caller, action, name, part: { version, field } });
    const decided = decision.allowed ? "allow" : "deny";
    const isAsMeant = decided === each.expect && (each.rule ?? decision.rule) === decision.rule;
    return isAsMeant ? [] : [{ case: index, ...facts(each), decided, by: decision.rule }];
  });
  if (failures.length > 0) context.exitCode = exitCodes.failed;
  const { output } = context;
  if (json) {
    await output.document({ file, cases: cases.length, failures });
    return;
  }
  for (const { case: index, as, action, name, expect, decided, by } of failures) {
    await output.line(
      `${file}: cases[${String(index)}] ${as} ${action}${name === undefined ? "" : ` ${name}`}: expected ${expect}, got ${decided} by ${by}`,
    );
  }
  await output.line(`${String(cases.length - failures.length)} passed, ${String(failures.length)} failed`);
}

function facts({
  principal,
  action,
  name,
  expect,
  rule,
}: PolicyCase): Readonly<Record<"as" | "action" | "expect", string> & { name: string | undefined }> {
  return { as: principal, action, name, expect: rule === undefined ? expect : `${expect} by ${rule}` };
}

async function replayAudit(context: CommandContext, { candidate, audit, json }: ReplayOptions): Promise<void> {
  const { loadConfig } = await import("../config/load-config.js");
  const { replayPolicy } = await import("../app/replay-policy.js");
  const { calls, skipped, changes } = await replayPolicy((await loadConfig(candidate)).config, audit);
  if (changes.length > 0) context.exitCode = exitCodes.failed;
  const { output } = context;
  if (json) {
    await output.document({ calls, skipped, changes });
    return;
  }
  const rows = changes.map(({ principal, action, name = "", before, after, rule, calls: count }) => {
    return [principal, action, name, `${before} to ${after}`, rule, String(count)];
  });
  if (rows.length > 0)
    await output.result(formatTable([["PRINCIPAL", "ACTION", "NAME", "CHANGE", "RULE", "CALLS"], ...rows]));
  const changed = changes.reduce((sum, { calls: count }) => sum + count, 0);
  await output.line(`${String(changed)} of ${String(calls)} calls would be decided another way`);
  if (skipped > 0) await output.note(`${String(skipped)} lines are no records of calls that policy decided`);
}
