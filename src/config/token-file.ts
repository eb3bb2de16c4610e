import { stat } from "node:fs/promises";
import { tokensSchema } from "./authentication-schema.js";
import type { TokenEntry } from "./authentication-config.js";
import { ConfigError } from "./config-error.js";
import { parseListFile } from "./list-file.js";
import { readConfigText } from "./read-config-text.js";

/** What group and others must not be able to do: whoever can write the file can let anybody in. */
const writableByOthers = 0o022;

/**
 * The tokens of a file.
 * @throws ConfigError with every problem, also when others may write the file
 */
export async function loadTokenFile(file: string): Promise<readonly TokenEntry[]> {
  const text = await readConfigText(file);
  const { mode } = await stat(file);
  if ((mode & writableByOthers) !== 0) {
    const message = "can be written by others, who could let anybody in; take that right away with chmod go-w";
    throw new ConfigError([{ file, line: 0, column: 0, path: "", message }]);
  }
  return parseListFile({ key: "tokens", schema: tokensSchema }, text, file);
}
