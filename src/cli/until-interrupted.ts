import type { CliIo, StopSignal } from "./cli-io.js";

const stopSignals: readonly StopSignal[] = ["SIGINT", "SIGTERM"];

/** Does something whose signal aborts when the command line is told to stop. */
export async function untilInterrupted<T>(io: CliIo, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupted = new AbortController();
  const stop = (): void => {
    interrupted.abort();
  };
  for (const signal of stopSignals) io.on?.(signal, stop);
  try {
    return await work(interrupted.signal);
  } finally {
    for (const signal of stopSignals) io.off?.(signal, stop);
  }
}
