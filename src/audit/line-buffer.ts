/**
 * Lines one after the other as bytes. Each is written at once, while it is still in the processor's cache: text that is
 * only strung together is put together in the end, which costs several times as much.
 */
export class LineBuffer {
  #bytes: Buffer;
  #length = 0;

  /** @param room how many bytes will probably come */
  constructor(room: number) {
    this.#bytes = Buffer.allocUnsafe(room);
  }

  /** What was appended: a view, good until more is. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** @param line ASCII, without its end */
  append(line: string): void {
    const end = this.#length + line.length;
    if (end >= this.#bytes.length) this.#grow(end + 1);
    this.#bytes.write(line, this.#length, "latin1");
    this.#bytes[end] = lineFeed;
    this.#length = end + 1;
  }

  #grow(atLeast: number): void {
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, atLeast));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

const lineFeed = 0x0a;

/** How many lines end in bytes. */
export function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(lineFeed); at !== -1; at = bytes.indexOf(lineFeed, at + 1)) lines += 1;
  return lines;
}
