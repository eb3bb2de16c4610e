import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ReadLoad } from "./read-load.ts";

/** How long a sidecar is left alone before its memory is looked at. */
const restMs = 3_000;
const reads = 1_000;

/** What a sidecar has resident, in bytes. */
export interface RestingMemory {
  readonly atStart: number;
  /** After so many reads, answered from memory but for the first of each name. */
  readonly afterReads: number;
}

/** Starts a sidecar by the documented command, without any flag, and looks at its memory as the system tells it. */
export async function restingSidecar(central: string, names: readonly string[]): Promise<RestingMemory> {
  const directory = mkdtempSync(join(tmpdir(), "secret-broker-bench-"));
  const config = {
    secret_broker: {
      manager: { kind: "upstream", address: central },
      listen: ["127.0.0.1:0"],
      admin: { listen: "127.0.0.1:0" },
      audit: { sink: "file", path: ".secret-broker/audit.jsonl" },
      cache: { ttl: "1h" },
    },
  };
  // JSON is YAML.
  writeFileSync(join(directory, "config.yaml"), JSON.stringify(config));
  const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
  const child = spawn(process.execPath, [main, "serve", "--config", join(directory, "config.yaml")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    const address = await addressOf(child);
    await pause(restMs);
    const atStart = residentBytes(child);
    const load = new ReadLoad(address, names);
    await load.warmUp(reads);
    load.close();
    await pause(restMs);
    return { atStart, afterReads: residentBytes(child) };
  } finally {
    child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  }
}

/** As the log has it. */
async function addressOf({ stderr }: ChildProcess): Promise<string> {
  if (stderr === null) throw new Error("the sidecar has no log");
  for await (const line of createInterface({ input: stderr })) {
    const address = /"addresses":\["([^"]+)"/.exec(line)?.[1];
    if (address === undefined) continue;
    stderr.resume();
    return address;
  }
  throw new Error("the sidecar ended before it served");
}

function residentBytes({ pid }: ChildProcess): number {
  const { stdout } = spawnSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" });
  return Number(stdout) * 1_024;
}
