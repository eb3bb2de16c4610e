import type { Writable } from "node:stream";
import { loadConfig } from "../config/load-config.js";
import { type AdjustableLog, createLog } from "../log/create-log.js";
import { formatBanner } from "./banner.js";
import { BrokerApp } from "./broker-app.js";
import { ProcessGuard } from "./process-guard.js";
import { Reloader } from "./reloader.js";
import { version } from "./version.js";
import { keepCallsYoung } from "./young-calls.js";

/** How to start. */
export interface StartOptions {
  readonly configFile: string;
  /** Replaces the file's addresses unless it is empty. */
  readonly listen: readonly string[];
  /** Replaces the file's address for metrics and health, or is `off`. */
  readonly adminListen?: string | undefined;
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
  const load = (): ReturnType<typeof loadConfig> => loadConfig(options.configFile, options);
  const { config, warnings } = await load();
  const log = createLog(options.detailedDebug ? "debug" : config.logLevel);
  for (const { message, file, line } of warnings) log.warn({ file, line }, message);
  keepCallsYoung();
  const guard = new ProcessGuard(log);
  const app = await startApp(new BrokerApp(config, log), { log, guard });
  const reloader = new Reloader({
    load: async () => (await load()).config,
    current: () => app.config,
    apply: (next) => {
      app.apply(options.detailedDebug ? { ...next, logLevel: "debug" } : next);
    },
    log,
  });
  app.reloadWith(() => reloader.reload("asked for by an administrator"));
  log.info({ version, addresses: app.addresses, manager: app.managerName, pid: process.pid }, "serving");
  options.stderr.write(formatBanner(app));
  return runUntilStopped(app, [reloader, guard], log);
}

interface Surroundings {
  readonly log: AdjustableLog;
  readonly guard: ProcessGuard;
}

async function startApp(app: BrokerApp, { log, guard }: Surroundings): Promise<BrokerApp> {
  try {
    return await app.start();
  } catch (thrown) {
    log.error({}, "the broker could not start", { thrown });
    guard.release();
    throw thrown;
  }
}

function runUntilStopped(
  app: BrokerApp,
  [reloader, guard]: readonly [Reloader, ProcessGuard],
  log: AdjustableLog,
): RunningBroker {
  const { promise: stopped, resolve } = Promise.withResolvers<number>();
  let stopping: Promise<void> | undefined;
  const stop = (exitCode: number): Promise<void> => (stopping ??= close(exitCode));
  const close = async (exitCode: number): Promise<void> => {
    log.info({}, "stopping: calls under way may finish");
    reloader.close();
    await app.stop();
    guard.release();
    log.info({}, "stopped");
    resolve(exitCode);
  };
  guard.stopWith(() => void stop(1));
  return { addresses: app.addresses, adminAddress: app.adminAddress, stop: () => stop(0), stopped };
}
