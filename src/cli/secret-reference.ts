import { secretNameProblem } from "../domain/secret-name.js";
import { UsageError } from "./usage-error.js";

/** A secret, or one member of one. */
export interface SecretReference {
  readonly name: string;
  /** A member of a value that is a JSON object. */
  readonly field: string | undefined;
}

/**
 * Reads `NAME` or `NAME#field`. What follows the last `#` is the field, and none when it is empty, so that a name which
 * holds the sign itself is written with another one at its end.
 * @throws UsageError
 */
export function parseReference(text: string, option: string): SecretReference {
  const end = text.lastIndexOf("#");
  const name = end < 0 ? text : text.slice(0, end);
  const field = end < 0 ? "" : text.slice(end + 1);
  const problem = secretNameProblem(name);
  if (problem !== undefined) throw new UsageError(`${option}: the secret's name ${problem}`);
  return { name, field: field === "" ? undefined : field };
}

/** What tells one reference from every other. */
export function referenceKey({ name, field }: SecretReference): string {
  return JSON.stringify([name, field]);
}

/** A reference as people read it. */
export function formatReference({ name, field }: SecretReference): string {
  return field === undefined ? `"${name}"` : `field "${field}" of "${name}"`;
}

/** The same references, each once. */
export function uniqueReferences(references: readonly SecretReference[]): SecretReference[] {
  return [...new Map(references.map((reference) => [referenceKey(reference), reference])).values()];
}
