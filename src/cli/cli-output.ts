import type { Writable } from "node:stream";
import { ActionError } from "./action-error.js";
import type { CliIo } from "./cli-io.js";
import { printable } from "./printable.js";

/** Writes results to standard output and everything else to standard error. */
export class CliOutput {
  readonly #io: CliIo;

  constructor(io: CliIo) {
    this.#io = io;
    // A reader that goes away is told to each write; the event besides must not end the process.
    io.stdout.on("error", () => undefined);
    io.stderr.on("error", () => undefined);
  }

  /** Whether results are shown to a person. */
  get isTerminal(): boolean {
    return this.#io.stdout.isTTY === true;
  }

  /** Writes a part of the result exactly. @throws ActionError when it cannot be written, as on a full disk */
  async result(part: string | Uint8Array): Promise<void> {
    try {
      await write(this.#io.stdout, part);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
      // Whoever read it has seen enough; that is no failure.
      if (code === "EPIPE") throw error;
      throw new ActionError(`standard output cannot be written (${code})`);
    }
  }

  /** Writes the result as one JSON document. */
  document(document: unknown): Promise<void> {
    return this.result(`${JSON.stringify(document, undefined, 2)}\n`);
  }

  /** Writes one line of the result that holds text from elsewhere. */
  line(text: string): Promise<void> {
    return this.result(`${printable(text)}\n`);
  }

  /** Tells the user something that is not the result. */
  note(text: string): Promise<void> {
    return write(this.#io.stderr, `${printable(text)}\n`);
  }

  /** Writes one JSON document to standard error. */
  errorDocument(document: unknown): Promise<void> {
    return write(this.#io.stderr, `${JSON.stringify(document)}\n`);
  }
}

function write(stream: Writable, part: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(part, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
