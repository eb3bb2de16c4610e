import { isUtf8 } from "node:buffer";
import { type FileHandle, open } from "node:fs/promises";
import { ConfigError } from "./config-error.js";

/** The largest file that is read. */
const maxFileBytes = 1024 * 1024;

/**
 * The text of a configuration file.
 * @throws ConfigError when it is missing, unreadable, larger than 1 MiB or not UTF-8
 */
export async function readConfigText(file: string): Promise<string> {
  const bytes = await readBytes(file);
  if (bytes.byteLength > maxFileBytes) throw unreadable(file, "is larger than 1 MiB; give a configuration file");
  if (!isUtf8(bytes)) throw notText(file, bytes);
  return bytes.toString("utf8");
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    await using handle = await open(file);
    return await readBounded(handle);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw unreadable(file, reasons[code] ?? `cannot be read (${code}); check it and give its path with --config`);
  }
}

/** Reads one byte more than is allowed at most: a size is no promise, and a device has none. */
async function readBounded(handle: FileHandle): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(maxFileBytes + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, length, buffer.byteLength - length, null);
    length += bytesRead;
    if (bytesRead === 0 || length === buffer.byteLength) return buffer.subarray(0, length);
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "does not exist; give its path with --config",
  ENOTDIR: "does not exist: a part of its path is no directory; give its path with --config",
  EACCES: "may not be read by this user; change its owner or mode",
  EPERM: "may not be read by this user; change its owner or mode",
  EISDIR: "is a directory; give the file in it",
  ELOOP: "is a symbolic link that leads to itself; give the file it should lead to",
};

function notText(file: string, bytes: Buffer): ConfigError {
  let line = 1;
  let start = 0;
  for (;;) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.byteLength : newline;
    const text = bytes.subarray(start, end);
    // A line feed is never part of another character, so the first bad line holds the first bad byte.
    if (!isUtf8(text)) return badText(file, line, text.toString("utf8").indexOf("\ufffd") + 1);
    if (newline === -1) return badText(file, line, 1);
    line += 1;
    start = newline + 1;
  }
}

function badText(file: string, line: number, column: number): ConfigError {
  const message = "the file is not UTF-8 text from here on; save it as UTF-8";
  return new ConfigError([{ file, line, column, path: "", message }]);
}

function unreadable(file: string, what: string): ConfigError {
  return new ConfigError([{ file, line: 0, column: 0, path: "", message: `the file ${what}` }]);
}
