import type { Command } from "commander";
import type { DeleteAnswer } from "../client/delete-secret.js";
import {
  addConnectionOptions,
  type CommandContext,
  type ConnectionOptions,
  withInherited,
  withClient,
} from "./command-context.js";
import { wholeNumber } from "./option-parsers.js";

interface DeleteOptions extends ConnectionOptions {
  readonly recoveryWindowInDays?: number;
  readonly mustExist?: boolean;
  readonly expectedVersion?: number;
}

/** Declares `delete NAME`. */
export function addDeleteCommand(program: Command, context: CommandContext): void {
  const days = wholeNumber("--recovery-window-in-days");
  const command = program
    .command("delete")
    .description("delete a secret; an absent one is no failure unless --must-exist is given")
    .argument("<name>", "the secret's name")
    .option("--recovery-window-in-days <days>", "for how long it can be restored; 0 destroys it (default: 7)", days)
    .option("--must-exist", "fail when there is no such secret")
    .option("--expected-version <number>", "delete only this version", wholeNumber("--expected-version"))
    .action((name: string, own: DeleteOptions, self: Command) => deleteSecret(context, name, withInherited(own, self)));
  addConnectionOptions(command);
}

async function deleteSecret(context: CommandContext, name: string, options: DeleteOptions): Promise<void> {
  const { recoveryWindowInDays, mustExist, expectedVersion } = options;
  const request = { name, recoveryWindowInDays, mustExist, expectedVersion };
  const answer = await withClient(context, options, (client) => client.deleteSecret(request));
  if (options.json) await context.output.document({ name, ...answer });
  else await context.output.line(sentenceOf(name, answer));
}

function sentenceOf(name: string, { status, restorableUntil }: DeleteAnswer): string {
  if (status === "not_found") return `"${name}" does not exist; nothing was deleted`;
  return restorableUntil === undefined
    ? `deleted "${name}"`
    : `deleted "${name}"; it can be restored until ${restorableUntil.toISOString()}`;
}
