import type { Command } from "commander";
import type { CopiedSecret } from "../app/copy-secrets.js";
import { addOutputOptions, type CommandContext, type OutputOptions, withInherited } from "./command-context.js";
import { loadConfiguration } from "./load-configuration.js";
import { exitCodes } from "./exit-codes.js";
import { readValue, readValueFile } from "./read-value.js";
import { untilInterrupted } from "./until-interrupted.js";

interface CopyOptions extends OutputOptions {
  readonly from: string;
  readonly to: string;
  readonly prefix?: string;
  readonly names?: string;
  readonly overwrite?: boolean;
  readonly dryRun?: boolean;
}

/** Declares `copy`, which moves secrets between the managers of two configurations. */
export function addCopyCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("copy")
    .description("copy the active version of each secret from one configuration's manager to another's, and compare")
    .requiredOption("--from <file>", "the config.yaml of the manager to read; a broker may serve it")
    .requiredOption("--to <file>", "the config.yaml of the manager to write")
    .option("--prefix <prefix>", "only names that begin with this")
    .option("--names <file>", "the names, one a line, for a manager that cannot list; - for standard input")
    .option("--overwrite", "write over what is there and differs")
    .option("--dry-run", "compare, and write nothing")
    .action((own: CopyOptions, self: Command) => copy(context, withInherited(own, self)));
  addOutputOptions(command);
}

async function copy(context: CommandContext, options: CopyOptions): Promise<void> {
  const { output } = context;
  const { copySecrets } = await import("../app/copy-secrets.js");
  const { prefix = "", overwrite = false, dryRun = false, json = false } = options;
  const [from, to] = [await loadConfiguration(options.from), await loadConfiguration(options.to)];
  const names = await namesOf(context, options);
  const all: CopiedSecret[] = [];
  const onCopied = async (copied: CopiedSecret): Promise<void> => {
    all.push(copied);
    if (!json) await output.line(lineOf(copied));
  };
  await untilInterrupted(context.io, (signal) =>
    copySecrets(from, to, { prefix, names, overwrite, dryRun, signal, onCopied }),
  );
  const isSame = all.every(({ outcome }) => outcome === "copied" || outcome === "same");
  if (!isSame)
    context.exitCode = all.some(({ outcome }) => outcome === "failed") ? exitCodes.failed : exitCodes.conflict;
  if (json) await output.document({ same: isSame, secrets: all });
  else await output.note(summaryOf(all));
}

async function namesOf({ io }: CommandContext, { names }: CopyOptions): Promise<readonly string[] | undefined> {
  if (names === undefined) return undefined;
  const bytes = names === "-" ? await readValue(io.stdin, "standard input") : await readValueFile(names);
  return bytes
    .toString("utf8")
    .split(/\r?\n/u)
    .filter((name) => name !== "");
}

function lineOf({ name, outcome, reason, lost }: CopiedSecret): string {
  const why = reason === undefined ? "" : ` ${reason}`;
  const losses = lost.length === 0 ? "" : ` (not kept: ${lost.join(", ")})`;
  return `${outcome}${why} ${name}${losses}`;
}

function summaryOf(all: readonly CopiedSecret[]): string {
  const count = (wanted: CopiedSecret["outcome"]): number => all.filter(({ outcome }) => outcome === wanted).length;
  const parts = (["copied", "same", "differs", "missing", "failed"] as const)
    .map((outcome) => [outcome, count(outcome)] as const)
    .filter(([, number]) => number > 0)
    .map(([outcome, number]) => `${String(number)} ${outcome}`);
  const lossy = all.filter(({ lost }) => lost.length > 0).length;
  const losses = lossy === 0 ? "" : `; ${String(lossy)} without all of their description and tags`;
  return `${parts.length === 0 ? "there was nothing to copy" : parts.join(", ")}${losses}`;
}
