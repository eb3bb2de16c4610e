import type { Writable } from "node:stream";
import { loadConfig } from "../config/load-config.js";
import { type AdjustableLog, createLog } from "../log/create-log.js";
import { formatBanner } from "./banner.js";
import { BrokerApp } from "./broker-app.js";
import { Reloader } from "./reloader.js";
import { version } from "./version.js";

/** How to start. */
export interface StartOptions {
  readonly configFile: string;
  /** Replaces the file's addresses unless it is empty. */
  readonly listen: readonly string[];
  /** Logs every call; still nothing secret. */
  readonly detailedDebug: boolean;
  /** Gets what a person wants to read at the start. */
  readonly stderr: Writable;
}

/** A broker that serves. */
export interface RunningBroker {
  /** Where it listens, as a client dials it. */
  readonly addresses: readonly string[];
  /** Where metrics and health are; undefined when switched off. */
  readonly adminAddress: string | undefined;
  /** Drains, then stops. Idempotent. */
  stop(): Promise<void>;
  /** Resolves with the exit code once everything is closed. */
  readonly stopped: Promise<number>;
}

/**
 * Starts a broker for the life of this process: reloads its configuration, and survives what a user's class lets slip.
 * @throws ConfigError with every problem of the file, or SecretError `CONFIG_INVALID`
 */
export async function startBrokerProcess(options: StartOptions): Promise<RunningBroker> {
  const load = (): ReturnType<typeof loadConfig> => loadConfig(options.configFile, overridesOf(options));
  const { config, warnings } = await load();
  const log = createLog(options.detailedDebug ? "debug" : config.logLevel);
  for (const { message, line } of warnings) log.warn({ file: config.file, line }, message);
  const app = await startApp(new BrokerApp(config, log), log);
  const reloader = new Reloader({
    load: async () => (await load()).config,
    current: () => app.config,
    apply: (next) => {
      app.apply(options.detailedDebug ? { ...next, logLevel: "debug" } : next);
    },
    log,
  });
  log.info({ version, addresses: app.addresses, manager: app.managerName, pid: process.pid }, "serving");
  options.stderr.write(formatBanner(app));
  return runUntilStopped(app, reloader, log);
}

function overridesOf({ listen }: StartOptions): { listen?: readonly string[] } {
  return listen.length > 0 ? { listen } : {};
}

async function startApp(app: BrokerApp, log: AdjustableLog): Promise<BrokerApp> {
  try {
    return await app.start();
  } catch (thrown) {
    log.error({}, "the broker could not start", { thrown });
    throw thrown;
  }
}

function runUntilStopped(app: BrokerApp, reloader: Reloader, log: AdjustableLog): RunningBroker {
  const { promise: stopped, resolve } = Promise.withResolvers<number>();
  let stopping: Promise<void> | undefined;
  const stop = (exitCode: number): Promise<void> => (stopping ??= close(exitCode));
  const close = async (exitCode: number): Promise<void> => {
    log.info({}, "stopping: calls under way may finish");
    reloader.close();
    await app.stop();
    unguard();
    log.info({}, "stopped");
    resolve(exitCode);
  };
  const unguard = guardProcess(log, () => void stop(1));
  return { addresses: app.addresses, adminAddress: app.adminAddress, stop: () => stop(0), stopped };
}

/**
 * Keeps Node.js from printing what a user's class throws where nobody waits for it, as its text may hold a secret.
 * A lost rejection is logged and survived; after a lost exception the process state is unknown, so it stops.
 */
function guardProcess(log: AdjustableLog, stop: () => void): () => void {
  const onRejection = (thrown: unknown): void => {
    log.error({}, "a promise was rejected and nobody waited for it", { thrown });
  };
  const onException = (thrown: unknown): void => {
    log.error({}, "an exception was thrown and nobody caught it; stopping", { thrown });
    stop();
  };
  process.on("unhandledRejection", onRejection);
  process.on("uncaughtException", onException);
  return () => {
    process.off("unhandledRejection", onRejection);
    process.off("uncaughtException", onException);
  };
}
