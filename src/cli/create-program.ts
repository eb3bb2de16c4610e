import { Command } from "commander";
import { version } from "../app/version.js";
import { addConnectionOptions, type CommandContext } from "./command-context.js";
import { addServeCommand, serveName } from "./serve-command.js";

const exitCodeHelp = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 absent, 4 denied, 5 unavailable or too slow, 6 conflict,
7 not supported, 8 a value was refused, 130 interrupted.`;

/**
 * Puts the command line together; parsing throws instead of exiting.
 * @param argv what will be parsed: a broker keeps what it loads for as long as it runs, so `serve` comes alone
 */
export async function createProgram(context: CommandContext, argv: readonly string[] = []): Promise<Command> {
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
  if (argv[0] === serveName) return program;
  const { addOtherCommands } = await import("./other-commands.js");
  addOtherCommands(program, context);
  return program;
}
