import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";

const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

/** The built command line in a process of its own. */
export class CliProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  stdout = "";
  stderr = "";

  constructor(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const { PATH = "", HOME = "" } = process.env;
    this.child = spawn(process.execPath, [main, ...argv], {
      env: { PATH, HOME, ...env },
      stdio: "pipe",
      detached: true,
    });
    this.child.stdout?.on("data", (chunk: Buffer) => (this.stdout += chunk.toString("utf8")));
    this.child.stderr?.on("data", (chunk: Buffer) => (this.stderr += chunk.toString("utf8")));
    this.ended = once(this.child, "close").then(([code, signal]: unknown[]) => ({
      code: typeof code === "number" ? code : null,
      signal: (signal ?? null) as NodeJS.Signals | null,
    }));
  }

  /** Resolves when standard output holds a text so many times. */
  async prints(text: string, times = 1): Promise<void> {
    const isPrinted = (): void => {
      if (this.stdout.split(text).length <= times) throw new Error(`not printed: ${text}; but ${this.stderr}`);
    };
    await vi.waitFor(isPrinted, { timeout: 15_000, interval: 20 });
  }

  /** Ends it at once with whatever it runs, if that has not ended. */
  async kill(): Promise<void> {
    const { pid, exitCode, signalCode } = this.child;
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, "SIGKILL");
    await this.ended;
  }
}

/** Writes a script into a folder; returns how it is run. */
export function script(folder: string, text: string): [string, string] {
  const file = join(folder, "script.mjs");
  writeFileSync(file, text);
  return [process.execPath, file];
}

/** What every process of this machine was started with, as far as it can be seen. */
export function commandLineOf(pid: number): string {
  return readFileSync(`/proc/${String(pid)}/cmdline`, "latin1");
}

/** Asks the manager for changes often, as one in memory does not tell of them. */
export const watchingConfig = `
general_settings:
  key_management_settings: { access_mode: read_and_write }
secret_broker:
  manager: { kind: memory }
  admin: { listen: "127.0.0.1:0" }
  audit: { sink: file, path: audit.jsonl }
  log: { level: error }
  timeouts: { watch_poll: 100ms }
`;
