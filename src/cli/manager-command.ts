import type { Command } from "commander";
import { addOutputOptions, type CommandContext, type OutputOptions, withInherited } from "./command-context.js";
import { exitCodes } from "./exit-codes.js";
import { addManagerVerifyCommand } from "./manager-verify-command.js";
import { untilInterrupted } from "./until-interrupted.js";

interface ServeOptions extends OutputOptions {
  readonly config: string;
  readonly listen?: string;
  readonly stopWithStdin?: boolean;
}

/** Declares `manager serve` and `manager verify`. */
export function addManagerCommand(program: Command, context: CommandContext): void {
  const manager = program.command("manager").description("work with managers in processes of their own");
  const serve = manager
    .command("serve")
    .description("serve the manager a configuration chooses to a broker, over secretbroker.manager.v1")
    .requiredOption("--config <file>", "the config.yaml")
    .option("--listen <address>", "unix:PATH or a loopback port (env: SECRET_BROKER_MANAGER_ADDRESS)")
    .option("--stop-with-stdin", "stop when standard input closes, as a process that a broker starts must")
    .action((own: ServeOptions, self: Command) => serveManager(context, withInherited(own, self)));
  addOutputOptions(serve);
  addManagerVerifyCommand(manager, context);
}

async function serveManager(context: CommandContext, options: ServeOptions): Promise<void> {
  const { io, output } = context;
  const address = options.listen ?? io.env["SECRET_BROKER_MANAGER_ADDRESS"];
  const [{ hostManager }, { loadConfiguration }] = await Promise.all([
    import("../app/host-manager.js"),
    import("./load-configuration.js"),
  ]);
  const hosted = await hostManager(await loadConfiguration(options.config), address);
  try {
    await output.result(`${JSON.stringify({ secret_broker_host: { ready: true, address: hosted.address } })}\n`);
    await untilInterrupted(io, (signal) => untilStopped(context, signal, options.stopWithStdin === true));
  } finally {
    await hosted.close();
  }
  context.exitCode = exitCodes.done;
}

async function untilStopped({ io }: CommandContext, signal: AbortSignal, withStdin: boolean): Promise<void> {
  await new Promise<void>((resolve) => {
    const stop = (): void => {
      resolve();
    };
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    if (!withStdin) return;
    for (const event of ["end", "close", "error"]) io.stdin.once(event, stop);
    io.stdin.resume();
  });
}
