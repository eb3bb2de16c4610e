import type { Command } from "commander";
import {
  addConnectionOptions,
  type CommandContext,
  type ConnectionOptions,
  withInherited,
  withClient,
} from "./command-context.js";
import { wholeNumber } from "./option-parsers.js";
import { documentOf, printPayload } from "./print-secret.js";

interface ReadOptions extends ConnectionOptions {
  readonly version?: number;
  readonly field?: string;
  readonly raw?: boolean;
}

/** Declares `read NAME`. */
export function addReadCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("read")
    .description("print a secret's value")
    .argument("<name>", "the secret's name")
    .option("--version <number>", "this version instead of the active one", wholeNumber("--version", 1))
    .option("--field <field>", "one member of a value that is a JSON object")
    .option("--raw", "print the exact bytes, without a line break at the end")
    .action((name: string, own: ReadOptions, self: Command) => readSecret(context, name, withInherited(own, self)));
  addConnectionOptions(command);
}

async function readSecret(context: CommandContext, name: string, options: ReadOptions): Promise<void> {
  const { version, field } = options;
  const answer = await withClient(context, options, (client) => client.readSecret({ name, version, field }));
  // Nothing was said of a known version, so this is the secret.
  if (answer.notModified) return;
  if (options.json) await context.output.document(documentOf(answer));
  else await printPayload(context.output, answer.secret.payload, options.raw ?? false);
}
