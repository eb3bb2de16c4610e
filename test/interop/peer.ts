import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { root } from "./running-broker.js";

/** What a program printed, and how it ended. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where scripts/ci/install-peers.sh puts everything. */
export const peersFolder: string = join(root, ".cache/peers");
const isRequired = process.env["SECRET_BROKER_REQUIRE_PEERS"] === "1";

/** Where scripts/ci/install-peers.sh puts grpcurl. */
export const grpcurlPath: string = join(peersFolder, "grpcurl");
/** Where scripts/ci/install-peers.sh puts Python and its packages. */
export const pythonPath: string = join(peersFolder, "python/bin/python");
/** Where scripts/ci/install-peers.sh puts Prisma's engine, and LiteLLM's database client that asks it, in `python`. */
export const prismaPath: string = join(peersFolder, "prisma");

/** Whether tests that need a program are skipped; never where peers are required, so that they fail instead. */
export function isMissing(path: string): boolean {
  if (isRequired) return false;
  try {
    accessSync(path, constants.X_OK);
    return false;
  } catch {
    return true;
  }
}

/** The title of tests that need a peer: says why they are skipped where it is missing. */
export function titleOf(peer: string, path: string): string {
  return isMissing(path) ? `${peer} (skipped: scripts/ci/install-peers.sh has not installed it)` : peer;
}

/** Where a program runs, and what it is given besides this process's environment. */
export interface Place {
  readonly cwd?: string;
  readonly variables?: NodeJS.ProcessEnv;
}

/** Runs a program to its end, in the repository's root unless told otherwise. */
export function run(program: string, parameters: readonly string[], place: Place = {}): Promise<Ran> {
  const { cwd = root, variables = {} } = place;
  const env = { ...process.env, PATH: [peersFolder, process.env["PATH"]].join(delimiter), ...variables };
  const child = spawn(program, parameters, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      resolve({ code, stdout, stderr });
    });
  });
}
