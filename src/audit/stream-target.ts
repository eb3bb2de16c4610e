import type { Writable } from "node:stream";
import type { AuditTarget } from "./audit-target.js";

/** A stream the process was given, such as standard output; left open at the end. Each start begins a chain. */
export function createStreamTarget(stream: Writable, description: string): AuditTarget {
  // Each failed write is reported through its own callback; without a listener the event would end the process.
  stream.on("error", () => undefined);
  return {
    description,
    isKept: false,
    bytes: 0,
    open: () => Promise.resolve({ end: undefined, torn: undefined }),
    append: (bytes) =>
      new Promise((resolve, reject) => {
        stream.write(bytes, (error) => {
          if (error) reject(error);
          else resolve();
        });
      }),
    check: () => Promise.resolve(undefined),
    rotate: () => Promise.resolve(false),
    close: () => Promise.resolve(),
  };
}
