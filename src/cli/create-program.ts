import { Command } from "commander";
import { version } from "../app/version.js";
import { addConnectionOptions, type CommandContext } from "./command-context.js";
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
import { addServeCommand } from "./serve-command.js";
import { addTokenCommand } from "./token-command.js";
import { addWriteCommand } from "./write-command.js";

const exitCodeHelp = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 absent, 4 denied, 5 unavailable or too slow, 6 conflict,
7 not supported, 8 a value was refused, 130 interrupted.`;

/** Puts the command line together; parsing throws instead of exiting. */
export function createProgram(context: CommandContext): Command {
  const { stdout, stderr } = context.io;
  const program = new Command("secret-broker")
    .description("A gRPC secret broker in front of a pluggable secret manager")
    .version(version, "-V, --version", "print the version")
    // Options of the program end at a command's name, so that "read NAME --version 3" is the command's.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      // Failures are reported in one place, which knows about --json.
      outputError: () => undefined,
    })
    .addHelpText("after", exitCodeHelp);
  addConnectionOptions(program);
  addServeCommand(program, context);
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
  return program;
}
