import { SecretError } from "./secret-error.js";

declare const checked: unique symbol;

/** A secret's name that has passed {@link parseSecretName}; the only kind anything behind the edge accepts. */
export type SecretName = string & { readonly [checked]: true };

/** The longest name, in UTF-16 code units. */
export const maxSecretNameLength = 512;

// The control characters are what the rule is about.
// eslint-disable-next-line no-control-regex
const controlCharacter = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/**
 * Says which rule a name breaks, or nothing when it is safe.
 *
 * The rules are those of the reference's unsafe-name check (control characters, `..` as a whole path segment), and
 * beyond it: no empty segment, no `/` at either end, no lone surrogate, at most 512 characters.
 */
export function secretNameProblem(name: string): string | undefined {
  if (name.length === 0) return "must not be empty";
  if (name.length > maxSecretNameLength) return `must be at most ${String(maxSecretNameLength)} characters long`;
  if (controlCharacter.test(name)) return "must not contain control characters";
  if (!name.isWellFormed()) return "must be valid Unicode";
  if (name.includes("/")) return segmentProblem(name);
  return name === ".." ? 'must not contain the path segment ".."' : undefined;
}

function segmentProblem(name: string): string | undefined {
  if (name.startsWith("/") || name.endsWith("/")) return 'must not begin or end with "/"';
  if (name.includes("//")) return 'must not contain an empty path segment ("//")';
  // Most names hold no two dots at all, and need not be taken apart.
  const hasParent = name.includes("..") && name.split("/").includes("..");
  return hasParent ? 'must not contain the path segment ".."' : undefined;
}

/**
 * Accepts a safe name.
 * @param field the request field that held the name, for the error
 * @throws SecretError `FIELD_INVALID` that names the rule; the name itself is not quoted, it may hold anything.
 */
export function parseSecretName(name: string, field = "name"): SecretName {
  const problem = secretNameProblem(name);
  if (problem !== undefined) throw SecretError.fieldInvalid([{ field, description: problem }]);
  return name as SecretName;
}
