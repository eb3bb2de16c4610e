import type { ProcessConfig, RemoteConfig } from "../config/config.js";
import type { SecretManager } from "../contract/secret-manager.js";
import { defaultMaxPayloadBytes } from "../domain/payload.js";
import { SecretError } from "../domain/secret-error.js";
import { scrubText } from "../log/scrub-text.js";
import { DialledSource } from "../managers/remote/dialled-source.js";
import type { EndpointSource, InstanceOptions } from "../managers/remote/manager-instance.js";
import { openRemoteManager } from "../managers/remote/manager-pool.js";
import { type ExplainProcess, ProcessSource } from "../managers/remote/process/process-source.js";
import type { OpenManagerOptions } from "./open-manager-options.js";
import { logLines } from "./process-lines.js";
import { version } from "./version.js";

/** Room for the rest of an answer beside its payload, and for pages of names. */
const minReceiveBytes = 16 * 1024 * 1024;

/** Opens a manager that somebody else has started. @throws SecretError */
export async function openDialledManager(config: RemoteConfig, options: OpenManagerOptions): Promise<SecretManager> {
  const { addresses, tls, startTimeoutMs } = config;
  const sources = addresses.map((address) => new DialledSource(address, tls));
  return await openSources(sources, startTimeoutMs, options);
}

/** Starts a manager's processes. @throws SecretError */
export async function openProcessManager(config: ProcessConfig, options: OpenManagerOptions): Promise<SecretManager> {
  const environment = pickVariables(config.environment);
  const names = Array.from({ length: config.instances }, (_, index) => `manager process ${String(index + 1)}`);
  const sources = names.map((name) =>
    processSource(name, { ...config, environment, explain: explainProcess }, options),
  );
  return await openSources(sources, config.startTimeoutMs, options);
}

/** Opens a manager behind sources. @throws SecretError */
export async function openSources(
  sources: readonly EndpointSource[],
  startTimeoutMs: number,
  { log, maxPayloadBytes = defaultMaxPayloadBytes }: OpenManagerOptions,
): Promise<SecretManager> {
  const options: Omit<InstanceOptions, "accept"> = {
    startTimeoutMs,
    connection: {
      brokerVersion: version,
      maxReceiveBytes: Math.max(minReceiveBytes, maxPayloadBytes * 2),
      onNote: (note) => log.warn({ note: scrubText(note) }, "the manager notes of its environment"),
    },
    events: {
      onUp: (instance) => log.info({ instance }, "the manager is connected"),
      onDown: (instance, thrown) => log.warn({ instance }, "the manager is not connected; trying again", { thrown }),
    },
  };
  return await openRemoteManager(sources, options);
}

/** What is started, and how its end is explained. */
export interface StartedProcess {
  readonly command: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly explain: ExplainProcess;
  /** Sees each line before it goes into the log. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** A process of the broker's that is a manager. */
export function processSource(name: string, started: StartedProcess, { log }: OpenManagerOptions): ProcessSource {
  const { command, directory, environment, explain, onLine = (): void => undefined } = started;
  const write = logLines(log, name);
  return new ProcessSource({
    ...{ name, command, directory, environment, explain },
    path: process.env["PATH"],
    surroundings: {
      kill: (processId, signal) => process.kill(processId, signal),
      onLine: (line) => {
        onLine(line);
        write(line);
      },
    },
  });
}

/** Those of the broker's variables that are there. */
export function pickVariables(names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

const setting = "secret_broker.manager.command";

const explainProcess: ExplainProcess = {
  programMissing: (program) => invalid(`${setting}: "${program}" is no program that is there and may be executed`),
  notReady: ({ reason }) => invalid(`the manager's process is not ready: ${reasonWord(reason)}; the log has the rest`),
  ended: ({ code, signal, failure }) => {
    if (failure !== undefined) return invalid(`${setting}: the process could not be started`, failure);
    const how = signal === null ? `with exit code ${String(code)}` : `by ${signal}`;
    return unavailable(`the manager's process ended ${how}; the log has what it wrote`);
  },
};

/** A host's reason is one word in capitals. */
export function reasonWord(reason: string): string {
  return /^[A-Z][A-Z_]{0,63}$/.test(reason) ? reason : "it does not say why";
}

function invalid(message: string, cause?: unknown): SecretError {
  return new SecretError("CONFIG_INVALID", message, { cause });
}

function unavailable(message: string): SecretError {
  return new SecretError("MANAGER_UNAVAILABLE", message);
}
