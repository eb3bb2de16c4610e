import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { openManager } from "../../../src/app/open-manager.js";
import type { ProcessConfig } from "../../../src/config/config.js";
import type { SecretManager } from "../../../src/contract/secret-manager.js";
import type { Log } from "../../../src/log/log.js";

const main = fileURLToPath(new URL("../../../dist/main.js", import.meta.url));

/** What a broker logged: facts and message of each line. */
export type Lines = string[];

/** A log that only remembers. */
export function rememberingLog(lines: Lines): Log {
  const line = (facts: object, message: string, failure?: { thrown: unknown }): void => {
    const thrown = failure?.thrown instanceof Error ? failure.thrown.message : "";
    lines.push(`${message} ${JSON.stringify(facts)} ${thrown}`);
  };
  return { error: line, warn: line, info: line, debug: line };
}

/** The command of a process that serves the manager of a configuration, as `secret-broker` itself can be one. */
export function hostCommand(configFile: string): readonly string[] {
  return [process.execPath, main, "manager", "serve", "--config", configFile, "--stop-with-stdin"];
}

/** A folder of a test's own with files. */
export async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "process-manager-"));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Opens a manager in a process, as a broker does. */
export async function openProcess(
  config: Partial<ProcessConfig> & Pick<ProcessConfig, "command" | "directory">,
  lines: Lines = [],
): Promise<SecretManager> {
  const standard = { kind: "process", environment: ["PATH"], instances: 1, startTimeoutMs: 20_000 } as const;
  const manager = await openManager({ ...standard, ...config }, { log: rememberingLog(lines) });
  onTestFinished(() => manager.close?.());
  return manager;
}

/** The processes whose command line holds a text, as /proc tells. */
export function processesWith(text: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => commandLine(name).includes(text))
    .map(Number);
}

function commandLine(id: string): string {
  try {
    // A process that has ended and was not waited for has none.
    return readFileSync(`/proc/${id}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
