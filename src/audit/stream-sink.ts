import type { Writable } from "node:stream";
import type { AuditSink } from "./audit-sink.js";

/** Writes audit records to a stream the process was given, such as standard output; leaves it open at the end. */
export function createStreamSink(stream: Writable, description: string): AuditSink {
  // Each failed write is reported through its own callback; without a listener the event would end the process.
  stream.on("error", () => undefined);
  return {
    description,
    write: (lines) =>
      new Promise((resolve, reject) => {
        stream.write(lines, (error) => {
          if (error) reject(error);
          else resolve();
        });
      }),
    close: () => Promise.resolve(),
  };
}
