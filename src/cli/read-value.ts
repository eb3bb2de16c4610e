import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import type { Payload } from "../domain/payload.js";
import { UsageError } from "./usage-error.js";

/** More than any broker accepts; a bound on what a wrong pipe can do to memory. */
const maxValueBytes = 64 * 1024 * 1024;

/**
 * Reads a value to its end, exactly.
 * @param source what the value comes from, for the message
 * @throws UsageError when it cannot be read, or is far too long to be a secret
 */
export async function readValue(stream: Readable, source: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer | string>) {
      const part = Buffer.from(chunk);
      bytes += part.byteLength;
      if (bytes > maxValueBytes) break;
      chunks.push(part);
    }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    throw new UsageError(`cannot read the value from ${source}: ${problemByCode[code] ?? "it cannot be read"}`);
  }
  if (bytes > maxValueBytes) throw new UsageError(`the value from ${source} is longer than 64 MiB`);
  return Buffer.concat(chunks);
}

const problemByCode: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "this user may not read it",
  EISDIR: "it is a directory",
};

/** The same from a file. */
export function readValueFile(path: string): Promise<Buffer> {
  return readValue(createReadStream(path), `"${path}"`);
}

/** Takes one line break off the end. */
export function trimNewline(value: Buffer): Buffer {
  if (value.at(-1) !== 0x0a) return value;
  return value.subarray(0, value.at(-2) === 0x0d ? -2 : -1);
}

/** The payload of bytes: text where they are UTF-8, unless they shall stay bytes. */
export function payloadOf(value: Buffer, binary: boolean): Payload {
  return !binary && isUtf8(value) ? value.toString("utf8") : value;
}
