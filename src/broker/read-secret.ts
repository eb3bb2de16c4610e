import type { Secret } from "../domain/secret.js";
import { SecretError } from "../domain/secret-error.js";
import type { SecretName } from "../domain/secret-name.js";
import type { SecretCache } from "./cache/secret-cache.js";
import type { Call } from "./call.js";
import type { Options } from "./guarded-call.js";
import type { Found, ReadOrigin } from "./read-origin.js";
import { selectField } from "./select-field.js";
import { staleTooOld } from "./stale-too-old.js";

/** Which secret to read, and how much of it. */
export interface ReadRequest {
  readonly name: SecretName;
  readonly version?: number | undefined;
  /** One member of a payload that is a JSON object. */
  readonly field?: string | undefined;
  /** The version the caller has. */
  readonly knownVersion?: number | undefined;
  /** The oldest answer the caller takes; 0 for the truth of now, undefined for what is configured. */
  readonly maxStalenessMs?: number | undefined;
  readonly options?: Options | undefined;
}

/** What a read found. */
export interface ReadResult {
  readonly secret: Secret;
  /** The active version is the one the caller has; the secret's payload must not leave. */
  readonly notModified: boolean;
  readonly origin: ReadOrigin;
}

/**
 * Reads: found, or an error that says whether it is absent or the manager failed. What is kept, or the manager has at
 * hand, is answered at once.
 * @throws SecretError `SECRET_NOT_FOUND`, `VERSION_NOT_FOUND`, `FIELD_NOT_FOUND`, `STALE_TOO_OLD`, and the guard's
 */
export function readSecret(cache: SecretCache, call: Call, request: ReadRequest): ReadResult | Promise<ReadResult> {
  const found = cache.read(call, request);
  if (request.version !== undefined) return answerVersion(cache, call, { request, found });
  return found instanceof Promise ? found.then((each) => answerRead(each, request)) : answerRead(found, request);
}

/**
 * What a read answers with what was found.
 * @throws SecretError `SECRET_NOT_FOUND`, `FIELD_NOT_FOUND`, `STALE_TOO_OLD`
 */
export function answerRead({ secret, origin }: Found, request: ReadRequest): ReadResult {
  if (secret === undefined) throw SecretError.notFound(request.name);
  // A manager that keeps answers of another may have none that is new enough.
  const { maxStalenessMs: boundMs = Infinity, field } = request;
  const { ageMs } = origin;
  if (ageMs !== undefined && ageMs > boundMs) throw staleTooOld(request.name, { ageMs, boundMs });
  const notModified = request.version === undefined && isKnown(secret, request.knownVersion);
  if (notModified || field === undefined) return { secret, notModified, origin };
  return { secret: selectField(secret, field), notModified, origin };
}

/** Tells a version that is missing from a secret that is. */
function answerVersion(
  cache: SecretCache,
  call: Call,
  { request, found }: { readonly request: ReadRequest; readonly found: Found | Promise<Found> },
): ReadResult | Promise<ReadResult> {
  if (found instanceof Promise) {
    return found.then((each) => answerVersion(cache, call, { request, found: each }));
  }
  if (found.secret !== undefined) return answerRead(found, request);
  return assertMissing(cache, call, request);
}

async function assertMissing(cache: SecretCache, call: Call, request: ReadRequest): Promise<never> {
  const { name, version = 0 } = request;
  const { secret } = await cache.read(call, { ...request, version: undefined });
  throw secret === undefined ? SecretError.notFound(name) : SecretError.versionNotFound(name, version);
}

function isKnown(secret: Secret, knownVersion: number | undefined): boolean {
  return knownVersion !== undefined && secret.version === knownVersion;
}
