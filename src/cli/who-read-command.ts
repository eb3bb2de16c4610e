import type { Command } from "commander";
import type { PayloadUse } from "../app/who-read.js";
import { addOutputOptions, type CommandContext, type OutputOptions, withInherited } from "./command-context.js";
import { exitCodes } from "./exit-codes.js";
import { formatTable } from "./format-table.js";
import { readValue, readValueFile, trimNewline } from "./read-value.js";

interface WhoReadOptions extends OutputOptions {
  readonly config: string;
  readonly file?: string;
}

/** Declares `audit who-read`. */
export function addWhoReadCommand(audit: Command, context: CommandContext): void {
  const command = audit
    .command("who-read")
    .description(
      "tell which secret a leaked value is, and who stored and read it; exits with 3 when the records do not know it",
    )
    .requiredOption("--config <file>", "the config.yaml")
    .option("--file <file>", "read the value from this file rather than from standard input")
    .action((own: WhoReadOptions, self: Command) => whoRead(context, withInherited(own, self)));
  addOutputOptions(command);
}

async function whoRead(context: CommandContext, options: WhoReadOptions): Promise<void> {
  const { loadConfig } = await import("../config/load-config.js");
  const { findPayloadUses } = await import("../app/who-read.js");
  const { audit } = (await loadConfig(options.config)).config;
  const { uses, trails } = await findPayloadUses(audit, await readLeaked(context, options));
  if (uses.length === 0) context.exitCode = exitCodes.absent;
  const { output } = context;
  const notWhole = trails.filter(({ faults }) => faults.length > 0).map(({ trail }) => trail);
  if (options.json) {
    await output.document({ uses, notWhole });
    return;
  }
  if (uses.length === 0) await output.line("no record knows this value");
  else
    await output.result(
      formatTable([["NAME", "VERSION", "PRINCIPAL", "ACTION", "CALLS", "FIRST", "LAST"], ...uses.map(rowOf)]),
    );
  for (const trail of notWhole) await output.note(`${trail} is not as it was written; run "audit verify"`);
}

/** The value as it came, and without the line break that a shell or an editor may have put behind it. */
async function readLeaked({ io }: CommandContext, { file }: WhoReadOptions): Promise<readonly Buffer[]> {
  const value = file === undefined ? await readValue(io.stdin, "standard input") : await readValueFile(file);
  return [value, trimNewline(value)];
}

function rowOf({ name, version, principal, action, calls, firstTime, lastTime }: PayloadUse): readonly string[] {
  return [name, version === undefined ? "" : String(version), principal, action, String(calls), firstTime, lastTime];
}
