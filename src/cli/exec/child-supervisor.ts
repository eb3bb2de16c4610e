import { type ChildProcess, spawn } from "node:child_process";
import type { PassedSignal } from "../cli-io.js";
import { signalExitCode } from "../exit-codes.js";
import type { Environment } from "./child-environment.js";

/** What is run, and how. */
export interface SupervisorOptions {
  readonly program: string;
  readonly parameters: readonly string[];
  readonly env: Environment;
  /** How long a program that is to be restarted may take to end, in milliseconds. */
  readonly graceMs: number;
}

/** How a program ended. */
export interface ChildEnd {
  /** Its exit code, or 128 and the number of the signal that ended it. */
  readonly code: number;
  /** Why it was never started, in the system's words: `ENOENT`. */
  readonly startFailure?: string;
}

/** After these the program is meant to end, and is not started again. */
const endingSignals: ReadonlySet<PassedSignal> = new Set<PassedSignal>(["SIGINT", "SIGTERM", "SIGQUIT"]);
/** What shells exit with. */
const launchCodes = { absent: 127, refused: 126 } as const;

/** Runs one program at a time on our own standard streams, until it ends by itself. */
export class ChildSupervisor {
  readonly #options: SupervisorOptions;
  readonly #ended = Promise.withResolvers<ChildEnd>();
  #env: Environment;
  #child: ChildProcess | undefined;
  #isRestarting = false;
  #isEnding = false;
  #killTimer: NodeJS.Timeout | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#env = options.env;
  }

  /** Starts the program; resolves when it has ended other than by {@link ChildSupervisor.restart}. */
  async run(): Promise<ChildEnd> {
    this.#start();
    return await this.#ended.promise;
  }

  /** Passes a signal on. @param isFromKey whether the terminal has sent it to the program already */
  deliver(signal: PassedSignal, isFromKey: boolean): void {
    // A key may be meant for something else within a program that goes on, such as an editor.
    if (endingSignals.has(signal) && (!isFromKey || this.#isRestarting)) this.#isEnding = true;
    if (!isFromKey) this.#child?.kill(signal);
  }

  /** Sends a signal that is not meant to end the program. */
  nudge(signal: NodeJS.Signals): void {
    if (!this.#isEnding) this.#child?.kill(signal);
  }

  /** Ends the program and starts it anew; one that takes longer than its grace is killed. */
  restart(env: Environment): void {
    this.#env = env;
    // Whoever is to end is not started again, and whoever is being restarted starts with this.
    if (this.#isEnding || this.#isRestarting) return;
    this.#isRestarting = true;
    this.#child?.kill("SIGTERM");
    this.#killTimer = setTimeout(() => this.#child?.kill("SIGKILL"), this.#options.graceMs);
  }

  #start(): void {
    const { program, parameters } = this.#options;
    try {
      this.#child = spawn(program, parameters, { env: this.#env, stdio: "inherit" });
    } catch (error) {
      this.#failToStart(error);
      return;
    }
    const child = this.#child;
    child.on("error", (error) => {
      // With a process it is a signal that could not be sent, which is nothing to end for.
      if (child.pid === undefined) this.#failToStart(error);
    });
    child.on("exit", (code, signal) => {
      this.#onExit(code ?? (signal === null ? 128 : signalExitCode(signal)));
    });
  }

  /** The failure itself stays here, as it can quote what the program was to be given. */
  #failToStart(error: unknown): void {
    const startFailure = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    const code = startFailure === "ENOENT" ? launchCodes.absent : launchCodes.refused;
    this.#ended.resolve({ code, startFailure });
  }

  #onExit(code: number): void {
    clearTimeout(this.#killTimer);
    this.#child = undefined;
    if (this.#isRestarting && !this.#isEnding) {
      this.#isRestarting = false;
      this.#start();
    } else this.#ended.resolve({ code });
  }
}
