import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { readLines } from "./line-reader.js";
import { parseReadyLine, type ReadyLine } from "./ready-line.js";

/** What is started. */
export interface ProcessCommand {
  /** The program as an absolute path. */
  readonly program: string;
  readonly parameters: readonly string[];
  readonly directory: string;
  /** All it is given; nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What goes with a process. */
export interface ProcessSurroundings {
  /** Gets each line it writes, but for the one that says it is ready. */
  readonly onLine: (line: string) => void;
  /** Sends a signal to a process, or with a negative id to a group of them; throws when there is none. */
  readonly kill: (processId: number, signal: NodeJS.Signals) => unknown;
}

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** That it could not even be started. */
  readonly failure?: Error | undefined;
}

/** How long it may take to end once its standard input is closed, and then once it is asked to by a signal. */
const stdinGraceMs = 2_000;
const signalGraceMs = 1_500;

/** How long what it wrote last may take to arrive. */
const pipeGraceMs = 500;

/**
 * A process of ours, with whatever it starts itself: they are a group of their own, so that none outlives it. It ends
 * when its standard input does, as it does when the broker is killed.
 */
export class ManagerProcess {
  /** Resolves once it has ended, and nothing of it is left. */
  readonly ended: Promise<ProcessEnd>;
  /** Resolves with what it says when it is ready or cannot be; never for a process that says nothing. */
  readonly said: Promise<ReadyLine>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #surroundings: ProcessSurroundings;
  #hasEnded = false;

  constructor(command: ProcessCommand, surroundings: ProcessSurroundings) {
    this.#surroundings = surroundings;
    this.#child = spawn(command.program, command.parameters, {
      cwd: command.directory,
      env: { ...command.environment },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    // It may be gone when its input is closed.
    this.#child.stdin.on("error", () => undefined);
    this.said = this.#listen();
    this.ended = this.#untilEnded();
  }

  /** Whether it runs. */
  get isRunning(): boolean {
    return !this.#hasEnded;
  }

  /** Its id; undefined when it could not be started. */
  get id(): number | undefined {
    return this.#child.pid;
  }

  /** Asks it to end, more and more firmly. */
  async stop(): Promise<void> {
    this.#child.stdin.end();
    if (await this.#endsWithin(stdinGraceMs)) return;
    this.#signal("SIGTERM");
    if (await this.#endsWithin(signalGraceMs)) return;
    this.kill();
    await this.ended;
  }

  /** Ends it at once. */
  kill(): void {
    if (!this.#hasEnded) this.#signal("SIGKILL");
  }

  #listen(): Promise<ReadyLine> {
    return new Promise((resolve) => {
      readLines(this.#child.stdout, (line) => {
        const ready = parseReadyLine(line);
        if (ready === undefined) this.#surroundings.onLine(line);
        else resolve(ready);
      });
      readLines(this.#child.stderr, this.#surroundings.onLine);
    });
  }

  async #untilEnded(): Promise<ProcessEnd> {
    const child = this.#child;
    const end = await new Promise<ProcessEnd>((resolve) => {
      child.once("exit", (code, signal) => {
        resolve({ code, signal });
      });
      child.once("error", (failure) => {
        // A signal that could not be sent is an error too; only one at the start ends it.
        if (child.pid === undefined) resolve({ code: null, signal: null, failure });
      });
    });
    this.#hasEnded = true;
    // What it has started itself ends with it.
    this.#signal("SIGKILL");
    if (end.failure === undefined) await this.#untilPipesClose();
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    return end;
  }

  /** What it wrote last may say why it ended. */
  async #untilPipesClose(): Promise<void> {
    const isOver = new AbortController();
    const closed = new Promise((resolve) => this.#child.once("close", resolve));
    await Promise.race([closed, delay(pipeGraceMs, undefined, { signal: isOver.signal }).catch(() => undefined)]);
    isOver.abort();
  }

  async #endsWithin(timeoutMs: number): Promise<boolean> {
    const isOver = new AbortController();
    const late = delay(timeoutMs, false, { signal: isOver.signal }).catch(() => false);
    const hasEnded = await Promise.race([this.ended.then(() => true), late]);
    isOver.abort();
    return hasEnded;
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      this.#surroundings.kill(-pid, signal);
    } catch {
      // Nobody is left in the group.
    }
  }
}
