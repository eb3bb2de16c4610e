import { spawnSync } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The repository's root folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * The environment tools run in: the packages' own programs come first, as in an npm script, so that a script started
 * straight from a shell finds the same ones.
 */
export const toolEnvironment = {
  ...process.env,
  PATH: [join(root, "node_modules", ".bin"), process.env.PATH].join(delimiter),
};

/**
 * Runs a program in the repository's root and waits for it; its output goes to ours.
 *
 * @param {string} program
 * @param {readonly string[]} parameters
 * @returns {number} its exit code; 1 when a signal ended it
 */
export function runTool(program, parameters) {
  const { error, status } = spawnSync(program, parameters, { cwd: root, env: toolEnvironment, stdio: "inherit" });
  if (error) throw error;
  return status ?? 1;
}

/**
 * Runs a program in the repository's root and returns what it printed.
 *
 * @param {string} program
 * @param {readonly string[]} parameters
 * @returns {Buffer}
 * @throws Error when the program fails; what it had to say is on standard error
 */
export function readTool(program, parameters) {
  const { error, status, stdout } = spawnSync(program, parameters, {
    cwd: root,
    env: toolEnvironment,
    maxBuffer: 64 * 1024 * 1024,
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${parameters[0] ?? ""} exited with ${String(status)}`);
  return stdout;
}
