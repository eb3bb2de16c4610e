/** What a subject tells the bench: where it listens, and the CPU it has used, in microseconds, and the memory it takes. */
export type SubjectMessage =
  { readonly address: string } | { readonly cpuMicros: number; readonly residentBytes: number };

/** Reports the address to the bench, and the CPU time and memory of this process whenever the bench asks. */
export function answerParent(address: string): void {
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    send({ cpuMicros: user + system, residentBytes: process.memoryUsage.rss() });
  });
  process.on("disconnect", () => {
    process.exit(0);
  });
  send({ address });
}

function send(message: SubjectMessage): void {
  process.send?.(message);
}
