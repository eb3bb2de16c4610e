import type { Readable, Writable } from "node:stream";

/** The signals that end a running broker. */
export type StopSignal = "SIGINT" | "SIGTERM";

/** The signals that `exec` passes on to the program it runs. */
export type PassedSignal = StopSignal | "SIGHUP" | "SIGQUIT" | "SIGUSR1" | "SIGUSR2" | "SIGWINCH";

/** What the command line reaches of its process; `process` itself is one. */
export interface CliIo {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  on?(signal: PassedSignal, listener: () => void): unknown;
  off?(signal: PassedSignal, listener: () => void): unknown;
  /** Ends the process at once. */
  exit?(code: number): void;
}
