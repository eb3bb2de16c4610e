import type { Command } from "commander";
import { type Action, actions, actionsWithoutName } from "../domain/action.js";
import { secretNameProblem, type SecretName } from "../domain/secret-name.js";
import { addOutputOptions, type CommandContext, type OutputOptions, withInherited } from "./command-context.js";
import { exitCodes } from "./exit-codes.js";
import { wholeNumber } from "./option-parsers.js";
import { addPolicyTestCommands } from "./policy-test-command.js";
import { UsageError } from "./usage-error.js";

interface CheckOptions extends OutputOptions {
  readonly config: string;
  readonly as: string;
  readonly group?: readonly string[];
  readonly action: Action;
  readonly version?: number;
  readonly field?: string;
}

const withoutName = [...actionsWithoutName].join(", ");

/** Declares `policy check`, `policy test` and `policy replay`. */
export function addPolicyCommand(program: Command, context: CommandContext): void {
  const policy = program.command("policy").description("look into what a configuration lets whom do");
  const check = policy
    .command("check")
    .description("show whether a principal may do something, and by which rule; exits with 4 when it may not")
    .argument("[name]", `the secret's name; ${withoutName} can be asked about without one`)
    .requiredOption("--config <file>", "the config.yaml")
    .requiredOption("--as <principal>", "who asks")
    .requiredOption("--action <action>", `what for: ${actions.join(", ")}`, parseAction)
    .option("--group <name>", "a group its credential puts it in; may be given more than once", collect)
    .option("--version <number>", "one version rather than the active one", wholeNumber("--version", 1))
    .option("--field <member>", "one member of a payload that is a JSON object")
    .action((name: string | undefined, own: CheckOptions, self: Command) =>
      checkAccess(context, name, withInherited(own, self)),
    );
  addOutputOptions(check);
  addPolicyTestCommands(policy, context);
}

async function checkAccess(context: CommandContext, given: string | undefined, options: CheckOptions): Promise<void> {
  const name = parseName(given, options.action);
  const { loadConfig } = await import("../config/load-config.js");
  const { explainConfigured } = await import("../app/explain-configured.js");
  const { as: principal, group: groups = [], action, version, field } = options;
  const { config } = await loadConfig(options.config);
  const { decision, nearest } = explainConfigured(config, {
    caller: { principal, groups, provenBy: "none", peer: "internal" },
    action,
    name,
    part: { version, field },
  });
  if (!decision.allowed) context.exitCode = exitCodes.denied;
  const { output } = context;
  if (options.json) {
    await output.document({ ...decision, ...(nearest && { nearest }) });
    return;
  }
  await output.line(`${decision.allowed ? "allowed" : "denied"} by ${decision.rule}`);
  if (nearest !== undefined) await output.line(`nearest: ${nearest.rule} ${nearest.why}`);
}

function parseName(text: string | undefined, action: Action): SecretName | undefined {
  if (text === undefined) {
    if (actionsWithoutName.has(action)) return undefined;
    throw new UsageError(`the name is missing; only ${withoutName} can be asked about without one`);
  }
  const problem = secretNameProblem(text);
  if (problem !== undefined) throw new UsageError(`the name ${problem}`);
  return text as SecretName;
}

function parseAction(text: string): Action {
  const action = actions.find((each) => each === text);
  if (action === undefined) throw new UsageError(`--action must be one of ${actions.join(", ")}`);
  return action;
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
