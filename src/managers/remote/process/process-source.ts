import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { credentials } from "@grpc/grpc-js";
import { SecretError } from "../../../domain/secret-error.js";
import type { ManagerEndpoint } from "../manager-channel.js";
import type { EndpointSource } from "../manager-instance.js";
import { findProgram } from "./find-program.js";
import { ManagerProcess, type ProcessEnd, type ProcessSurroundings } from "./manager-process.js";
import type { ReadyLine } from "./ready-line.js";

/** The variable that tells a process where to listen. */
export const addressVariable = "SECRET_BROKER_MANAGER_ADDRESS";

/** What stands in a command for the address. */
export const addressPlaceholder = "{address}";

/** A process that is started again whenever it ends. */
export interface ProcessSourceOptions {
  /** What messages and logs call it. */
  readonly name: string;
  /** The program, by its name or path, and its parameters, with {@link addressPlaceholder} where the address goes. */
  readonly command: readonly string[];
  /** Where it is started. */
  readonly directory: string;
  /** What it is given, besides the address. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where programs are looked for by their names. */
  readonly path: string | undefined;
  readonly surroundings: ProcessSurroundings;
  /** Says what a process that is not ready, or has ended, means for the user. */
  readonly explain: ExplainProcess;
}

/** Says what keeps a process from being a manager. */
export interface ExplainProcess {
  programMissing(program: string): SecretError;
  notReady(said: ReadyLine & { readonly ready: false }): SecretError;
  ended(end: ProcessEnd): SecretError;
}

/** How often it is looked for the socket of a process that starts. */
const socketPollMs = 20;

/** A process that listens on a Unix socket in a folder that is the broker's alone. */
export class ProcessSource implements EndpointSource {
  readonly name: string;
  readonly #options: ProcessSourceOptions;
  #run: Run | undefined;
  #isClosed = false;

  constructor(options: ProcessSourceOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get ended(): Promise<SecretError> | undefined {
    return this.#run?.over;
  }

  /** The id of the process that runs. */
  get processId(): number | undefined {
    return this.#run?.process.isRunning === true ? this.#run.process.id : undefined;
  }

  /** Starts the process unless it runs, and waits until it listens. */
  async open(signal: AbortSignal): Promise<ManagerEndpoint> {
    const run = this.#run?.process.isRunning === true ? this.#run : await this.#start();
    const listening = new AbortController();
    const either = AbortSignal.any([signal, listening.signal]);
    try {
      const over = await Promise.race([run.over, untilThere(run.socket, either), run.saidReady]);
      if (over instanceof Error) throw over;
    } finally {
      listening.abort();
    }
    signal.throwIfAborted();
    return { target: `unix:${run.socket}`, credentials: credentials.createInsecure() };
  }

  discard(): void {
    this.#run?.process.kill();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const run = this.#run;
    if (run === undefined) return;
    await run.process.stop();
    await run.over;
  }

  async #start(): Promise<Run> {
    // The folder of the one before is gone before there is another.
    await this.#run?.over;
    const { command, directory, environment, path, surroundings, explain } = this.#options;
    const [name = "", ...parameters] = command;
    const program = await findProgram(name, { directory, path });
    if (program === undefined) throw explain.programMissing(name);
    // Nobody else may enter a folder that was made this way.
    const folder = await mkdtemp(join(tmpdir(), "secret-broker-manager-"));
    if (this.#isClosed) {
      await rm(folder, { recursive: true, force: true });
      throw new SecretError("MANAGER_UNAVAILABLE", "the manager is closed");
    }
    const socket = join(folder, "manager.sock");
    const address = `unix:${socket}`;
    const process = new ManagerProcess(
      {
        program,
        parameters: parameters.map((parameter) => parameter.replaceAll(addressPlaceholder, address)),
        directory,
        environment: { ...environment, [addressVariable]: address },
      },
      surroundings,
    );
    return (this.#run = runOf(process, { folder, socket, explain }));
  }
}

/** One life of the process. */
interface Run {
  readonly process: ManagerProcess;
  readonly socket: string;
  /** Resolves once it is over and its folder is gone, with why. */
  readonly over: Promise<SecretError>;
  readonly saidReady: Promise<SecretError | undefined>;
}

interface RunFacts {
  readonly folder: string;
  readonly socket: string;
  readonly explain: ExplainProcess;
}

function runOf(process: ManagerProcess, { folder, socket, explain }: RunFacts): Run {
  let refusal: SecretError | undefined;
  const saidReady = process.said.then((said) => {
    if (!said.ready) refusal = explain.notReady(said);
    return refusal;
  });
  const over = process.ended.then(async (end) => {
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    return refusal ?? explain.ended(end);
  });
  return { process, socket, over, saidReady };
}

async function untilThere(path: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(await isThere(path))) {
    await delay(socketPollMs, undefined, { signal }).catch(() => undefined);
  }
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
