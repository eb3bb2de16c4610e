import { tokensSchema } from "./authentication-schema.js";
import type { TokenEntry } from "./authentication-config.js";
import { refuseWritable } from "./file-rights.js";
import { parseListFile } from "./list-file.js";
import { readConfigText } from "./read-config-text.js";

/**
 * The tokens of a file.
 * @throws ConfigError with every problem, also when others may write the file
 */
export async function loadTokenFile(file: string): Promise<readonly TokenEntry[]> {
  const text = await readConfigText(file);
  await refuseWritable(file, "others");
  return parseListFile({ key: "tokens", schema: tokensSchema }, text, file);
}
