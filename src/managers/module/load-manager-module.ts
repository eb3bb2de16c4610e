import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import type { SecretManager } from "../../contract/secret-manager.js";
import { SecretError } from "../../domain/secret-error.js";
import { importError, thrownName } from "./import-error.js";
import { findManagerFile, parseClassPath } from "./manager-file.js";
import { findClass, type Constructor, type ModuleExports } from "./module-class.js";
import { missingMembers, referenceMembers, type MemberProblem } from "./validate-manager.js";

/** A class that was found, in a file that was not looked into yet. */
export interface FoundClass {
  /** Absolute. */
  readonly file: string;
  readonly className: string;
  /** Whether it is in Python, and so cannot be loaded into this process. */
  readonly isPython: boolean;
}

/**
 * Finds the file of a user's class beside config.yaml, by its extension: `.ts`, `.mts`, `.js`, `.mjs`, then `.py`.
 * @param onNote is told when several files match.
 * @throws SecretError `CONFIG_INVALID` when there is none
 */
export async function findManagerClass(
  classPath: string,
  directory: string,
  onNote: (text: string) => void = () => undefined,
): Promise<FoundClass> {
  const { fileName, className } = parseClassPath(classPath);
  const file = await findManagerFile(fileName, directory, onNote);
  return { file, className, isPython: file.endsWith(".py") };
}

/**
 * Loads a user's class from a file beside config.yaml and constructs it, once and without arguments.
 *
 * `my_secret_manager.InMemorySecretManager` is the export `InMemorySecretManager` of the first of `my_secret_manager.ts`,
 * `.mts`, `.js` and `.mjs` that is there. Node runs it as it is: types are stripped, nothing is compiled.
 * @param onNote is told what is no error but probably not meant.
 * @throws SecretError `CONFIG_INVALID` when there is no such class, or it is no manager; what the user's code threw is
 *   the cause, never part of the message.
 */
export async function loadManagerModule(
  classPath: string,
  directory: string,
  onNote: (text: string) => void = () => undefined,
): Promise<SecretManager> {
  return await loadFoundClass(await findManagerClass(classPath, directory, onNote), onNote);
}

/** Loads a class that was found. @throws SecretError as {@link loadManagerModule} does */
export async function loadFoundClass(
  { file, className, isPython }: FoundClass,
  onNote: (text: string) => void = () => undefined,
): Promise<SecretManager> {
  if (isPython) {
    throw new SecretError("CONFIG_INVALID", `"${basename(file)}" is in Python, which needs a process of its own`);
  }
  const exported = await importModule(file);
  const label = `"${className}" in "${basename(file)}"`;
  const manager = construct(findClass(exported, className, basename(file)), label);
  if (!isManager(manager)) throw notAManager(label, missingMembers(manager));
  for (const [theirs, ours] of referenceMembers(manager)) {
    onNote(`${label} has a member "${theirs}", which is called "${ours}" here and is not used`);
  }
  return manager;
}

async function importModule(file: string): Promise<ModuleExports> {
  try {
    const exported: unknown = await import(pathToFileURL(file).href);
    return isModule(exported) ? exported : {};
  } catch (thrown) {
    throw importError(file, thrown);
  }
}

function isModule(imported: unknown): imported is ModuleExports {
  return typeof imported === "object" && imported !== null;
}

function construct(constructor: Constructor, label: string): unknown {
  try {
    return new constructor();
  } catch (thrown) {
    const hint = constructor.length > 0 ? "; it must do without arguments" : "";
    const message = `the constructor of ${label} threw ${thrownName(thrown)}${hint}`;
    throw new SecretError("CONFIG_INVALID", message, { cause: thrown });
  }
}

function isManager(candidate: unknown): candidate is SecretManager {
  return missingMembers(candidate).length === 0;
}

function notAManager(label: string, problems: readonly MemberProblem[]): SecretError {
  const message = `${label} is not a secret manager: ${problems.map(describeProblem).join("; ")}`;
  return new SecretError("CONFIG_INVALID", message);
}

function describeProblem({ member, problem, expected, found, meant }: MemberProblem): string {
  if (problem === "wrong_type") return `"${member}" must be ${expected}, not ${String(found)}`;
  const hint = meant === undefined ? "" : ` ("${meant}" must be called "${member}")`;
  return `"${member}" is missing${hint}`;
}
