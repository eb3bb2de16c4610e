import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { SecretError } from "../../domain/secret-error.js";

/**
 * Says why a module could not be imported, in words of ours: what it threw goes to the cause, as it may quote anything.
 * @param file the path of the module
 */
export function importError(file: string, thrown: unknown): SecretError {
  const message = `"${basename(file)}" ${problemOf(file, thrown)}`;
  return new SecretError("CONFIG_INVALID", message, { cause: thrown });
}

/** The name of what was thrown, when it looks like one: `TypeError`. */
export function thrownName(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `a ${thrown === null ? "null" : typeof thrown}`;
  return /^[A-Z]\w{0,63}$/i.test(thrown.name) ? thrown.name : "an error";
}

function problemOf(file: string, thrown: unknown): string {
  if (!(thrown instanceof Error)) return threwAtImport(thrown);
  const code = "code" in thrown ? thrown.code : undefined;
  if (code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX") return unsupportedSyntax(file, thrown);
  if (code === "ERR_INVALID_TYPESCRIPT_SYNTAX") return doesNotParse(file, thrown);
  if (code === "ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING") {
    return "lies in a node_modules folder, where Node does not run TypeScript: compile it, or move it";
  }
  if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") return importsMissing(thrown);
  if (thrown instanceof SyntaxError && !wasThrownBy(file, thrown)) return syntaxProblem(file, thrown);
  return threwAtImport(thrown);
}

function unsupportedSyntax(file: string, error: Error): string {
  const features = "enum, namespace, parameter properties, import =";
  return `uses TypeScript that has to be compiled, not just stripped of its types (${features})${placeOf(file, error)}`;
}

function syntaxProblem(file: string, error: Error): string {
  // Only identifiers are taken over from the message.
  const twice = /^(?:Duplicate export of|Identifier) '([\p{ID_Continue}$]+)'/u.exec(error.message)?.[1];
  if (twice !== undefined) return `exports or declares "${twice}" twice`;
  const [, module, name] =
    /^The requested module '([\w@./:-]+)' does not provide an export named '([\p{ID_Continue}$]+)'/u.exec(
      error.message,
    ) ?? [];
  if (module !== undefined && name !== undefined) return `imports "${name}" from "${module}", which does not export it`;
  return doesNotParse(file, error);
}

function doesNotParse(file: string, error: Error): string {
  return `does not parse, or something it imports does not${placeOf(file, error)}`;
}

function importsMissing(error: Error): string {
  const missing = /^Cannot find (?:package|module) '([\w@./:\\ -]+)'/.exec(error.message)?.[1];
  return missing === undefined ? "imports something that is not there" : `imports "${missing}", which is not there`;
}

function threwAtImport(thrown: unknown): string {
  return `threw ${thrownName(thrown)} while it was imported`;
}

/** Whether code of the file ran into the error, as `JSON.parse` does: then its text is no report on the syntax. */
function wasThrownBy(file: string, error: Error): boolean {
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return frames.some((frame) => frame.includes(file) || frame.includes(pathToFileURL(file).href));
}

/** Where the error is, as Node puts it before the stack: ` (my_secret_manager.ts:3)`. */
function placeOf(file: string, error: Error): string {
  const [first = ""] = (error.stack ?? "").split("\n", 1);
  const line = [file, pathToFileURL(file).href]
    .filter((place) => first.startsWith(`${place}:`))
    .map((place) => first.slice(place.length + 1));
  return /^\d+$/.test(line[0] ?? "") ? ` (line ${String(line[0])})` : "";
}
