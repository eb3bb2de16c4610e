import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";

/**
 * Finds a program as a shell would: a name in the directories of a PATH, anything with a slash as a path.
 * @returns undefined when it is not there, or may not be executed
 */
export async function findProgram(
  program: string,
  { directory, path = "" }: { readonly directory: string; readonly path?: string | undefined },
): Promise<string | undefined> {
  const candidates = program.includes("/")
    ? [resolve(directory, program)]
    : path
        .split(delimiter)
        .filter((folder) => folder !== "")
        .map((folder) => join(folder, program));
  for (const candidate of candidates) if (await isProgram(candidate)) return candidate;
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
