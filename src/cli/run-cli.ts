import type { CliIo } from "./cli-io.js";
import { CliOutput } from "./cli-output.js";
import type { CommandContext } from "./command-context.js";
import { createProgram } from "./create-program.js";
import { exitCodes } from "./exit-codes.js";
import { reportFailure } from "./report-failure.js";

/**
 * Runs one command line.
 * @param argv the arguments after the program's name
 * @returns the exit code; never rejects
 */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  const output = new CliOutput(io);
  const context: CommandContext = { io, output, exitCode: exitCodes.done };
  try {
    const program = await createProgram(context, argv);
    await program.parseAsync(argv, { from: "user" });
    return context.exitCode;
  } catch (thrown) {
    return await report(thrown, argv, output);
  }
}

/** Asked of the arguments, as a command line that cannot be parsed has no options yet. */
async function report(thrown: unknown, argv: readonly string[], output: CliOutput): Promise<number> {
  const end = argv.indexOf("--");
  const options = end < 0 ? argv : argv.slice(0, end);
  try {
    return await reportFailure(thrown, output, {
      json: options.includes("--json"),
      debug: options.includes("--debug"),
    });
  } catch {
    // Nobody reads standard error; the exit code is all that is left to say.
    return exitCodes.failed;
  }
}
