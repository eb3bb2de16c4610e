import { SecretError } from "../../domain/secret-error.js";
import { closestName } from "./closest-name.js";
import { quoteAll } from "./manager-file.js";

/** Something `new` can be said to, without arguments. */
export type Constructor = new () => unknown;

/** A module as `import()` gives it. */
export type ModuleExports = Readonly<Record<string, unknown>>;

/**
 * Finds a class among a module's exports: by its export's name, as the default export that has the name, or as a member
 * of a CommonJS module's exports.
 * @param file how messages call the module
 * @throws SecretError `CONFIG_INVALID` when it is not there, is there twice, or is no class.
 */
export function findClass(exported: ModuleExports, className: string, file: string): Constructor {
  const found = candidates(exported).filter(([name]) => name === className);
  const [first] = found;
  if (first === undefined) throw classMissing(exported, className, file);
  const [, value] = first;
  if (found.some(([, other]) => other !== value)) {
    throw invalid(`"${file}" exports two different classes called "${className}", one of them as the default export`);
  }
  if (!isConstructor(value)) {
    throw invalid(`"${className}" in "${file}" is not a class but ${kindOf(value)}`);
  }
  return value;
}

/** What a class path can mean: names with what they stand for, the named exports first. */
function candidates(exported: ModuleExports): readonly (readonly [string, unknown])[] {
  const named = Object.entries(exported).filter(([name]) => name !== "default" && name !== "module.exports");
  const fallback = exported["default"];
  if (typeof fallback === "function") return [...named, [fallback.name, fallback]];
  // What `module.exports = {…}` holds, where Node could not tell the names from the source.
  return isRecord(fallback) ? [...named, ...Object.entries(fallback)] : named;
}

function classMissing(exported: ModuleExports, className: string, file: string): SecretError {
  const classes = candidates(exported).filter(([, value]) => isConstructor(value));
  const names = [...new Set(classes.map(([name]) => name))].filter((name) => name !== "");
  if (names.length === 0) return invalid(`"${file}" exports no class "${className}", nor any other`);
  const meant = closestName(className, names);
  const advice = meant === undefined ? "" : `; did you mean "${meant}"?`;
  return invalid(`"${file}" exports no class "${className}" but ${quoteAll(names)}${advice}`);
}

function isConstructor(value: unknown): value is Constructor {
  if (typeof value !== "function") return false;
  try {
    // Asks whether the value could be `new`'s target without running any of its code.
    Reflect.construct(Object, [], value);
    return true;
  } catch {
    return false;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function kindOf(value: unknown): string {
  if (typeof value === "function") return "a function that cannot be constructed";
  if (value === null || value === undefined) return String(value);
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function invalid(message: string): SecretError {
  return new SecretError("CONFIG_INVALID", message);
}
