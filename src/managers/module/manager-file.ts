import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { SecretError } from "../../domain/secret-error.js";
import { closestName } from "./closest-name.js";

/** The two segments of a class path. */
export interface ClassPath {
  /** The file beside config.yaml, without its extension. */
  readonly fileName: string;
  readonly className: string;
}

const extensions = [".ts", ".mts", ".js", ".mjs", ".py"] as const;

/**
 * Takes a class path apart: `my_secret_manager.InMemorySecretManager`.
 * @throws SecretError `CONFIG_INVALID` unless it has exactly two segments.
 */
export function parseClassPath(classPath: string): ClassPath {
  const segments = classPath.split(".");
  const [fileName, className] = segments;
  if (segments.includes("")) throw invalidPath(classPath, "has an empty segment");
  if (segments.length !== 2 || fileName === undefined || className === undefined) {
    throw invalidPath(classPath, `has ${segmentCount(segments.length)}, not two`);
  }
  if (/[/\\]/.test(classPath)) throw invalidPath(classPath, "must not contain a folder");
  return { fileName, className };
}

/**
 * Finds the file of a class beside config.yaml, by the order of the extensions.
 * @param onNote is told when several files match.
 * @throws SecretError `CONFIG_INVALID` when there is none.
 */
export async function findManagerFile(
  fileName: string,
  directory: string,
  onNote: (text: string) => void,
): Promise<string> {
  const names = extensions.map((extension) => fileName + extension);
  const there = await Promise.all(names.map((name) => isFile(join(directory, name))));
  const [first, ...others] = names.filter((_, index) => there[index]);
  if (first === undefined) throw await fileMissing(fileName, directory, names);
  if (others.length > 0) onNote(`"${first}" is used, not ${quoteAll(others)} beside it`);
  return join(directory, first);
}

/** Names in quotes, with commas between. */
export function quoteAll(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

async function fileMissing(fileName: string, directory: string, tried: readonly string[]): Promise<SecretError> {
  const missing = `no file for the secret manager in "${directory}": tried ${quoteAll(tried)}`;
  const meant = closestName(fileName, await stems(directory));
  return configInvalid(meant === undefined ? missing : `${missing}; did you mean "${meant}"?`);
}

/** The names of the files that could hold a class, without their extensions. */
async function stems(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => []);
  return names.flatMap((name) => {
    const extension = extensions.find((candidate) => name.endsWith(candidate));
    return extension === undefined ? [] : [name.slice(0, -extension.length)];
  });
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

function segmentCount(count: number): string {
  return count === 1 ? "one segment" : `${String(count)} segments`;
}

function invalidPath(classPath: string, problem: string): SecretError {
  const shape = 'write <file>.<class>, as in "my_secret_manager.InMemorySecretManager"';
  return configInvalid(`custom_secret_manager "${classPath}" ${problem}: ${shape}`);
}

function configInvalid(message: string): SecretError {
  return new SecretError("CONFIG_INVALID", message);
}
