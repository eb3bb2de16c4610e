import type { Secret } from "../domain/secret.js";
import { SecretError } from "../domain/secret-error.js";
import type { SecretName } from "../domain/secret-name.js";
import type { Call } from "./call.js";
import type { Options } from "./guarded-call.js";
import type { GuardedManager } from "./guarded-manager.js";
import { selectField } from "./select-field.js";

/** Which secret to read, and how much of it. */
export interface ReadRequest {
  readonly name: SecretName;
  readonly version?: number | undefined;
  /** One member of a payload that is a JSON object. */
  readonly field?: string | undefined;
  /** The version the caller has. */
  readonly knownVersion?: number | undefined;
  readonly options?: Options | undefined;
}

/** What a read found. */
export interface ReadResult {
  readonly secret: Secret;
  /** The active version is the one the caller has; the secret's payload must not leave. */
  readonly notModified: boolean;
}

/**
 * Reads from the manager: found, or an error that says whether it is absent or the manager failed.
 * @throws SecretError `SECRET_NOT_FOUND`, `VERSION_NOT_FOUND`, `FIELD_NOT_FOUND`, and the guard's
 */
export async function readSecret(manager: GuardedManager, call: Call, request: ReadRequest): Promise<ReadResult> {
  const secret = await find(manager, call, request);
  const notModified = request.version === undefined && isKnown(secret, request.knownVersion);
  if (notModified || request.field === undefined) return { secret, notModified };
  return { secret: selectField(secret, request.field), notModified };
}

async function find(manager: GuardedManager, call: Call, request: ReadRequest): Promise<Secret> {
  const { name, version } = request;
  if (version === undefined) {
    const active = await manager.read(call, request);
    if (active === undefined) throw SecretError.notFound(name);
    return active;
  }
  const found = await manager.readVersion(call, request, version);
  if (found !== undefined) return found;
  const exists = (await manager.read(call, request)) !== undefined;
  throw exists ? SecretError.versionNotFound(name, version) : SecretError.notFound(name);
}

function isKnown(secret: Secret, knownVersion: number | undefined): boolean {
  return knownVersion !== undefined && secret.version === knownVersion;
}
