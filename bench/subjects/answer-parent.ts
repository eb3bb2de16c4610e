import { setTimeout as delay } from "node:timers/promises";

/** What a bench asks a subject for. */
export type SubjectQuestion = "cpu" | "memory";

/** What a subject tells the bench: where it listens, the CPU it has used, in microseconds, and its resident memory. */
export type SubjectMessage =
  { readonly address: string } | { readonly cpuMicros: number } | { readonly residentBytes: number };

/**
 * What is garbage only once something else was collected takes several collections, and its destructors some time. The
 * kind that V8 makes when it runs out of memory: others keep the room of young objects for the next burst.
 */
const collection = { type: "major", execution: "sync", flavor: "last-resort" } as const;
const collections = 3;
const settleMs = 500;

/** Reports the address to the bench, and CPU time or memory of this process whenever the bench asks. */
export function answerParent(address: string): void {
  process.on("message", (question: SubjectQuestion) => {
    if (question === "memory") void sendMemory();
    else sendCpu();
  });
  process.on("disconnect", () => {
    process.exit(0);
  });
  send({ address });
}

function sendCpu(): void {
  const { user, system } = process.cpuUsage();
  send({ cpuMicros: user + system });
}

async function sendMemory(): Promise<void> {
  for (let done = 0; done < collections; done += 1) {
    globalThis.gc?.(collection);
    await delay(settleMs);
  }
  send({ residentBytes: process.memoryUsage.rss() });
}

function send(message: SubjectMessage): void {
  process.send?.(message);
}
