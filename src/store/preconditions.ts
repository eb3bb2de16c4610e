import { SecretError } from "../domain/secret-error.js";
import type { Generation } from "./generations.js";

/**
 * Checks what a write expects to find.
 * @throws SecretError `SECRET_EXISTS` when nothing was expected, `VERSION_MISMATCH` when another version was
 */
export function checkWriteExpectation(
  name: string,
  expectedVersion: number | undefined,
  live: Generation | undefined,
): void {
  if (expectedVersion !== 0) checkActiveVersion(name, expectedVersion, live);
  else if (live !== undefined) throw secretExists(live);
}

/**
 * Checks that the active version is the expected one, if one is expected.
 * @throws SecretError `VERSION_MISMATCH` with the metadata `current_version`, 0 when there is none
 */
export function checkActiveVersion(
  name: string,
  expectedVersion: number | undefined,
  live: Generation | undefined,
): void {
  const current = live?.activeVersion ?? 0;
  if (expectedVersion === undefined || expectedVersion === current) return;
  const message = `secret "${name}" is at version ${String(current)}, not ${String(expectedVersion)}`;
  throw new SecretError("VERSION_MISMATCH", message, { metadata: { name, current_version: String(current) } });
}

/** The name must be free, but is not. */
export function secretExists({ name, activeVersion }: Generation): SecretError {
  return new SecretError("SECRET_EXISTS", `secret "${name}" already exists`, {
    metadata: { name, current_version: String(activeVersion ?? 0) },
  });
}

/** The name is deleted and can be restored. */
export function secretDeleted({ name, restorableUntil = 0 }: Generation): SecretError {
  const until = new Date(restorableUntil).toISOString();
  return new SecretError("SECRET_DELETED", `secret "${name}" is deleted and can be restored until ${until}`, {
    metadata: { name, restorable_until: until },
  });
}
