import type { Command } from "commander";
import type { RunningBroker } from "../app/start-broker-process.js";
import type { CliIo, StopSignal } from "./cli-io.js";
import { addOutputOptions, type CommandContext } from "./command-context.js";
import { exitCodes } from "./exit-codes.js";
import { collect } from "./option-parsers.js";

/** What is typed for it. */
export const serveName = "serve";

interface ServeOptions {
  readonly config: string;
  readonly listen?: readonly string[];
  readonly adminListen?: string;
  readonly detailedDebug?: boolean;
}

/** Declares `serve --config FILE`. */
export function addServeCommand(program: Command, context: CommandContext): void {
  const command = program
    .command(serveName)
    .description("run a broker until SIGTERM or SIGINT; SIGHUP reloads the configuration")
    .requiredOption("--config <file>", "the config.yaml")
    .option("--listen <address>", "host:port or unix:PATH instead of the file's addresses; may be repeated", collect)
    .option("--admin-listen <address>", "host:port, unix:PATH or off instead of the file's for metrics and health")
    .option("--detailed-debug", "log every call in detail; never a value")
    .action((own: ServeOptions) => serve(context, own));
  addOutputOptions(command);
}

/** How long what a user's class left running may keep the process after everything of ours has ended. */
const lingerMs = 1_000;

async function serve(context: CommandContext, options: ServeOptions): Promise<void> {
  let exitCode: number = exitCodes.failed;
  try {
    exitCode = context.exitCode = await run(context.io, options);
  } finally {
    setTimeout(() => context.io.exit?.(exitCode), lingerMs).unref();
  }
}

async function run(io: CliIo, options: ServeOptions): Promise<number> {
  // Loaded only here: the other commands start faster without the server.
  const { startBrokerProcess } = await import("../app/start-broker-process.js");
  const broker = await startBrokerProcess({
    configFile: options.config,
    listen: options.listen ?? [],
    adminListen: options.adminListen,
    detailedDebug: options.detailedDebug ?? false,
    stderr: io.stderr,
  });
  return await untilStopped(broker, io);
}

const stopSignals: readonly StopSignal[] = ["SIGTERM", "SIGINT"];

/** The first signal lets calls finish; the second waits for nothing. */
async function untilStopped(broker: RunningBroker, io: CliIo): Promise<number> {
  const ended = Promise.withResolvers<number>();
  let stopping = false;
  const onSignal = (): void => {
    if (stopping) {
      ended.resolve(exitCodes.interrupted);
      io.exit?.(exitCodes.interrupted);
    } else broker.stop().catch(ended.reject);
    stopping = true;
  };
  broker.stopped.then(ended.resolve, ended.reject);
  for (const signal of stopSignals) io.on?.(signal, onSignal);
  try {
    return await ended.promise;
  } finally {
    for (const signal of stopSignals) io.off?.(signal, onSignal);
  }
}
