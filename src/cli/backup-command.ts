import type { Command } from "commander";
import type { BackupSummary } from "../app/store-backup.js";
import { addOutputOptions, type CommandContext, type OutputOptions, withInherited } from "./command-context.js";
import { configuredManager } from "./load-configuration.js";

interface BackupOptions extends OutputOptions {
  readonly config: string;
  readonly output: string;
}

interface RestoreOptions extends OutputOptions {
  readonly config: string;
  readonly input: string;
  readonly verifyOnly?: boolean;
}

/** Declares `backup` and `restore`, which work on the store of a configuration. */
export function addBackupCommands(program: Command, context: CommandContext): void {
  const backup = program
    .command("backup")
    .description("write everything in a store to a file, encrypted, also while a broker serves it")
    .requiredOption("--config <file>", "the config.yaml")
    .requiredOption("--output <file>", "the file to make")
    .action((own: BackupOptions, self: Command) => backUp(context, withInherited(own, self)));
  addOutputOptions(backup);
  const restore = program
    .command("restore")
    .description("verify a backup and bring it back into an empty store")
    .requiredOption("--config <file>", "the config.yaml")
    .requiredOption("--input <file>", "the backup")
    .option("--verify-only", "open everything in it and bring nothing back")
    .action((own: RestoreOptions, self: Command) => restoreFrom(context, withInherited(own, self)));
  addOutputOptions(restore);
}

async function backUp({ output }: CommandContext, { config, output: path, json }: BackupOptions): Promise<void> {
  const { backUpStore } = await import("../app/store-backup.js");
  const summary = await backUpStore(await configuredManager(config), path);
  if (json) await output.document(summary);
  else await output.line(`backed up ${textOf(summary)}`);
}

async function restoreFrom({ output }: CommandContext, options: RestoreOptions): Promise<void> {
  const { config, input, verifyOnly = false, json } = options;
  const { restoreStore, verifyStoreBackup } = await import("../app/store-backup.js");
  const work = verifyOnly ? verifyStoreBackup : restoreStore;
  const summary = await work(await configuredManager(config), input);
  if (json) await output.document({ ...summary, restored: !verifyOnly });
  else await output.line(`${verifyOnly ? "verified" : "restored"} ${textOf(summary)}`);
}

function textOf({ generations, versions, createTime }: BackupSummary): string {
  return `${String(generations)} secrets with ${String(versions)} versions, as they were at ${createTime}`;
}
