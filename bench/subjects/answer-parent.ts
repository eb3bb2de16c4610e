/** What a subject tells the bench: where it listens, and the CPU it has used, in microseconds. */
export type SubjectMessage = { readonly address: string } | { readonly cpuMicros: number };

/** Reports the address to the bench, and the CPU time of this process whenever the bench asks. */
export function answerParent(address: string): void {
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    send({ cpuMicros: user + system });
  });
  process.on("disconnect", () => {
    process.exit(0);
  });
  send({ address });
}

function send(message: SubjectMessage): void {
  process.send?.(message);
}
