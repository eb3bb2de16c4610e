import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import type { SubjectMessage } from "./subjects/answer-parent.ts";

/** A server of a bench in a process of its own. */
export interface SubjectProcess {
  readonly address: string;
  /** The CPU the process has used since it started, in microseconds. */
  cpuMicros(): Promise<number>;
  /** The memory it has resident once what is garbage was collected. */
  residentBytes(): Promise<number>;
  stop(): void;
}

/** Room for the young objects of many calls at once, as `npm start` gives it; a bare server gains nothing by it. */
const youngMegabytes = 64;

/** Starts a subject's file and waits until it serves; pinned to the last core where the machine can. */
export async function startSubject(
  file: string,
  args: readonly string[] = [],
  semiSpaceMegabytes: number = youngMegabytes,
): Promise<SubjectProcess> {
  const child = fork(fileURLToPath(new URL(`./subjects/${file}`, import.meta.url)), args, {
    // What is garbage must not count as memory that is held.
    execArgv: [`--max-semi-space-size=${String(semiSpaceMegabytes)}`, "--expose-gc"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  child.setMaxListeners(0);
  const first = await next(child);
  if (!("address" in first)) throw new Error(`${file} did not say where it listens`);
  pin(child, availableParallelism() - 1);
  return {
    address: first.address,
    cpuMicros: async () => {
      child.send("cpu");
      const message = await next(child);
      return "cpuMicros" in message ? message.cpuMicros : Number.NaN;
    },
    residentBytes: async () => {
      child.send("memory");
      const message = await next(child);
      return "residentBytes" in message ? message.residentBytes : Number.NaN;
    },
    stop: () => {
      child.disconnect();
    },
  };
}

/** Keeps this process off the subjects' core where the machine has two. */
export function pinBench(): void {
  if (availableParallelism() > 1) spawnSync("taskset", ["-a", "-cp", "0", String(process.pid)]);
}

function pin(child: ChildProcess, core: number): void {
  spawnSync("taskset", ["-a", "-cp", String(core), String(child.pid)]);
}

async function next(child: ChildProcess): Promise<SubjectMessage> {
  const [message] = (await Promise.race([once(child, "message"), once(child, "exit").then(died)])) as [SubjectMessage];
  return message;
}

function died(): never {
  throw new Error("a subject of the bench ended before its time");
}
