import { readFileSync } from "node:fs";
import type { CliIo, PassedSignal } from "../cli-io.js";

const passedSignals: readonly PassedSignal[] = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGWINCH",
];

/** What a terminal sends to every process that runs in it, at a key. */
const keySignals: ReadonlySet<PassedSignal> = new Set<PassedSignal>(["SIGINT", "SIGQUIT"]);

/** Has signals delivered until the function it returns is called. */
export function passSignals(io: CliIo, deliver: (signal: PassedSignal, isFromKey: boolean) => void): () => void {
  const listeners = passedSignals.map((signal) => {
    const listener = (): void => {
      deliver(signal, keySignals.has(signal) && isInForeground());
    };
    return [signal, listener] as const;
  });
  for (const [signal, listener] of listeners) io.on?.(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) io.off?.(signal, listener);
  };
}

/** Whether this process is in the group that a terminal's keys reach; the program it runs is in the same. */
function isInForeground(): boolean {
  try {
    const stat = readFileSync("/proc/self/stat", "latin1");
    // What stands before is the program's name in parentheses, which may hold anything.
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return group !== undefined && group === foreground;
  } catch {
    return process.stdin.isTTY;
  }
}
