import type { Command } from "commander";
import type { CommandContext } from "./command-context.js";
import { addAuditCommand } from "./audit-command.js";
import { addBackupCommands } from "./backup-command.js";
import { addConfigCommand } from "./config-command.js";
import { addCopyCommand } from "./copy-command.js";
import { addDeleteCommand } from "./delete-command.js";
import { addExecCommand } from "./exec-command.js";
import { addGetCommand } from "./get-command.js";
import { addImportCommand } from "./import-command.js";
import { addKeyCommand } from "./key-command.js";
import { addListCommand } from "./list-command.js";
import { addManagerCommand } from "./manager-command.js";
import { addPolicyCommand } from "./policy-command.js";
import { addReadCommand } from "./read-command.js";
import { addRenderCommand } from "./render-command.js";
import { addTokenCommand } from "./token-command.js";
import { addWriteCommand } from "./write-command.js";

/** Declares every command but `serve`. */
export function addOtherCommands(program: Command, context: CommandContext): void {
  addReadCommand(program, context);
  addGetCommand(program, context);
  addExecCommand(program, context);
  addRenderCommand(program, context);
  addWriteCommand(program, context);
  addDeleteCommand(program, context);
  addListCommand(program, context);
  addConfigCommand(program, context);
  addKeyCommand(program, context);
  addBackupCommands(program, context);
  addCopyCommand(program, context);
  addImportCommand(program, context);
  addPolicyCommand(program, context);
  addManagerCommand(program, context);
  addTokenCommand(program, context);
  addAuditCommand(program, context);
}
