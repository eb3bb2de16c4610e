import { SecretError } from "../../domain/secret-error.js";
import type { MemoryGeneration } from "./memory-generation.js";

/**
 * Checks what a write expects to find.
 * @throws SecretError `SECRET_EXISTS` when nothing was expected, `VERSION_MISMATCH` when another version was.
 */
export function checkWriteExpectation(
  name: string,
  expectedVersion: number | undefined,
  generation: MemoryGeneration | undefined,
): void {
  if (expectedVersion !== 0) {
    checkActiveVersion(name, expectedVersion, generation);
  } else if (generation !== undefined) {
    throw secretExists(name, generation);
  }
}

/**
 * Checks that the active version is the expected one, if one is expected.
 * @throws SecretError `VERSION_MISMATCH` with the metadata `current_version`, 0 when there is none.
 */
export function checkActiveVersion(
  name: string,
  expectedVersion: number | undefined,
  generation: MemoryGeneration | undefined,
): void {
  const current = generation?.active?.version ?? 0;
  if (expectedVersion === undefined || expectedVersion === current) return;
  const message = `secret "${name}" is at version ${String(current)}, not ${String(expectedVersion)}`;
  throw new SecretError("VERSION_MISMATCH", message, { metadata: { name, current_version: String(current) } });
}

/** The secret must not be there, but is. */
export function secretExists(name: string, generation: MemoryGeneration): SecretError {
  return new SecretError("SECRET_EXISTS", `secret "${name}" already exists`, {
    metadata: { name, current_version: String(generation.active?.version ?? 0) },
  });
}
