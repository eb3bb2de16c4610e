import type { Readable } from "node:stream";

/** Of a longer line, the rest is dropped. */
const maxLineLength = 8_192;

/** Reads a stream line by line, however long its lines are, and never keeps more than one. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  let pending = "";
  let isDropping = false;
  const take = (text: string): void => {
    if (!isDropping) pending += text.slice(0, maxLineLength - pending.length);
    isDropping ||= pending.length >= maxLineLength;
  };
  const end = (): void => {
    const line = pending.replace(/\r$/, "");
    pending = "";
    isDropping = false;
    if (line !== "") onLine(line);
  };
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const [first = "", ...rest] = chunk.split("\n");
    take(first);
    for (const part of rest) {
      end();
      take(part);
    }
  });
  stream.on("end", end);
  // A pipe that breaks has said all it had to say.
  stream.on("error", end);
}
