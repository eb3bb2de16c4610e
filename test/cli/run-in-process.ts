import { PassThrough, Readable, Writable } from "node:stream";
import type { CliIo, PassedSignal } from "../../src/cli/cli-io.js";
import { runCli } from "../../src/cli/run-cli.js";

/** What a command line is run with. */
export interface RunOptions {
  /** Empty unless given. */
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether standard input and output are a terminal. */
  readonly terminal?: boolean;
}

/** What a command line did. */
export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stdoutBytes: Buffer;
  readonly stderr: string;
}

/** Runs one command line in this process to its end. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const stdout = new Collector();
  const stderr = new Collector();
  const terminal = options.terminal ?? false;
  const code = await runCli(argv, {
    stdin: Object.assign(Readable.from([Buffer.from(options.stdin ?? "")]), { isTTY: terminal }),
    stdout: Object.assign(stdout, { isTTY: terminal }),
    stderr,
    env: options.env ?? {},
  });
  return { code, stdout: stdout.text(), stdoutBytes: stdout.bytes(), stderr: stderr.text() };
}

/** A command line that goes on until it is sent signals. */
export interface RunningCli {
  readonly code: Promise<number>;
  readonly stderr: () => string;
  signal(name: PassedSignal): void;
}

/** Runs one command line in this process without waiting for its end. */
export function launch(argv: readonly string[]): RunningCli {
  const stderr = new Collector();
  const listeners = new Map<PassedSignal, Set<() => void>>();
  const listenersOf = (signal: PassedSignal): Set<() => void> => {
    const known = listeners.get(signal) ?? new Set();
    listeners.set(signal, known);
    return known;
  };
  const io: CliIo = {
    stdin: new PassThrough(),
    stdout: new Collector(),
    stderr,
    env: {},
    on: (signal, listener) => listenersOf(signal).add(listener),
    off: (signal, listener) => listenersOf(signal).delete(listener),
  };
  const signal = (name: PassedSignal): void => {
    for (const listener of [...listenersOf(name)]) listener();
  };
  return { code: runCli(argv, io), stderr: () => stderr.text(), signal };
}

class Collector extends Writable {
  readonly #chunks: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#chunks.push(Buffer.from(chunk));
    done();
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  text(): string {
    return this.bytes().toString("utf8");
  }
}
