import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { Environment } from "../exec/child-environment.js";
import { ActionError } from "../action-error.js";
import type { SignalTarget } from "./render-options.js";

/** What is done when files have other contents. */
export interface AfterChange {
  /** A line for the shell. */
  readonly command?: string | undefined;
  readonly target?: SignalTarget | undefined;
  readonly env: Environment;
  readonly signal: AbortSignal;
}

/**
 * Runs the command, and sends the signal.
 * @throws ActionError that says what did not work
 */
export async function afterChange({ command, target, env, signal }: AfterChange): Promise<void> {
  if (signal.aborted) return;
  if (command !== undefined) await runCommand(command, env, signal);
  if (target !== undefined) await sendSignal(target);
}

/** Its output goes to standard error, as standard output is for our results. */
async function runCommand(command: string, env: Environment, signal: AbortSignal): Promise<void> {
  const child = spawn("/bin/sh", ["-c", command], { env, stdio: ["ignore", 2, 2] });
  const stop = (): void => void child.kill("SIGTERM");
  signal.addEventListener("abort", stop);
  try {
    const [code, killedBy] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    if (code !== 0) throw new ActionError(`the command of --run ended with ${killedBy ?? `exit code ${String(code)}`}`);
  } catch (error) {
    if (error instanceof ActionError) throw error;
    throw new ActionError("the command of --run cannot be started");
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** A number that means several processes, or none in particular, is refused. */
async function sendSignal({ pidFile, signal }: SignalTarget): Promise<void> {
  const text = await readFile(pidFile, "utf8").catch(() => {
    throw new ActionError(`--signal: ${pidFile} cannot be read`);
  });
  const pid = /^[1-9]\d{0,9}\s*$/.test(text) ? Number.parseInt(text, 10) : 0;
  if (pid < 2) throw new ActionError(`--signal: ${pidFile} must hold the number of one process, above 1`);
  try {
    process.kill(pid, signal);
  } catch {
    throw new ActionError(`--signal: the process in ${pidFile} cannot be sent ${signal}`);
  }
}
