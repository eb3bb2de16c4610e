import { isUtf8 } from "node:buffer";
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { ListenOverride } from "./broker-config.js";
import { ConfigError } from "./config-error.js";
import { type LoadedConfig, parseConfig } from "./parse-config.js";

export type { LoadedConfig } from "./parse-config.js";

/** What replaces settings of the file. */
export interface ConfigOverrides {
  /** Addresses instead of `secret_broker.listen`; relative paths of sockets are relative to the working directory. */
  readonly listen?: readonly string[];
}

/** The largest file that is read. */
const maxFileBytes = 1024 * 1024;

/**
 * Reads and checks a config.yaml.
 * @throws ConfigError with every problem at once, also when the file cannot be read
 */
export async function loadConfig(file: string, overrides: ConfigOverrides = {}): Promise<LoadedConfig> {
  const path = resolve(file);
  const text = await readText(path);
  return parseConfig({ text, file: path }, listenOverride(overrides));
}

function listenOverride({ listen }: ConfigOverrides): ListenOverride | undefined {
  return listen && { listen, directory: resolve(".") };
}

async function readText(file: string): Promise<string> {
  const bytes = await readBytes(file);
  if (bytes.byteLength > maxFileBytes) throw unreadable(file, "is larger than 1 MiB");
  if (!isUtf8(bytes)) throw unreadable(file, "is not UTF-8 text");
  return bytes.toString("utf8");
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    const { size } = await stat(file);
    return size > maxFileBytes ? Buffer.alloc(maxFileBytes + 1) : await readFile(file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw unreadable(file, reasons[code] ?? `cannot be read (${code})`);
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "does not exist; give its path with --config",
  EACCES: "may not be read by this user",
  EISDIR: "is a directory; give the file in it",
};

function unreadable(file: string, what: string): ConfigError {
  return new ConfigError([{ file, line: 0, column: 0, path: "", message: `the file ${what}` }]);
}
