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
 * Reads from the manager: found, or an error that says whether it is absent or the manager failed. What the manager has
 * at hand is answered at once.
 * @throws SecretError `SECRET_NOT_FOUND`, `VERSION_NOT_FOUND`, `FIELD_NOT_FOUND`, and the guard's
 */
export function readSecret(
  manager: GuardedManager,
  call: Call,
  request: ReadRequest,
): ReadResult | Promise<ReadResult> {
  const { version } = request;
  const found =
    version === undefined ? manager.readAtOnce(call, request) : findVersion(manager, call, { ...request, version });
  return found instanceof Promise ? found.then((secret) => answerRead(secret, request)) : answerRead(found, request);
}

/**
 * What a read answers with what was found.
 * @throws SecretError `SECRET_NOT_FOUND`, `FIELD_NOT_FOUND`
 */
export function answerRead(secret: Secret | undefined, request: ReadRequest): ReadResult {
  if (secret === undefined) throw SecretError.notFound(request.name);
  const notModified = request.version === undefined && isKnown(secret, request.knownVersion);
  if (notModified || request.field === undefined) return { secret, notModified };
  return { secret: selectField(secret, request.field), notModified };
}

async function findVersion(
  manager: GuardedManager,
  call: Call,
  request: ReadRequest & { readonly version: number },
): Promise<Secret | undefined> {
  const found = await manager.readVersion(call, request, request.version);
  if (found !== undefined) return found;
  const exists = (await manager.read(call, request)) !== undefined;
  if (exists) throw SecretError.versionNotFound(request.name, request.version);
  return undefined;
}

function isKnown(secret: Secret, knownVersion: number | undefined): boolean {
  return knownVersion !== undefined && secret.version === knownVersion;
}
