import type { Secret } from "../domain/secret.js";
import { ServedFrom } from "../gen/secretbroker/v1/secret.js";
import type { ReadSecretRequest, ReadSecretResponse } from "../gen/secretbroker/v1/secret_broker.js";
import { durationFromMs, msFromDuration } from "../rpc/time.js";
import { decodeSecret, decodeText, decodeVersionNumber, invalidReply } from "./decode-secret.js";
import { checkLengthMs, encodeText, encodeUint32, type ManagerOptions } from "./encode-field.js";

/** Asks for one secret. */
export interface ReadRequest {
  readonly name: string;
  /** The active version unless given; from 1 upwards. */
  readonly version?: number | undefined;
  /** One member of a payload that is a JSON object. */
  readonly field?: string | undefined;
  /** The version the caller has; when it is still the active one the answer is `notModified`. */
  readonly knownVersion?: number | undefined;
  /** The oldest answer the caller accepts, in milliseconds; 0 asks the manager now. */
  readonly maxStalenessMs?: number | undefined;
  readonly options?: ManagerOptions | undefined;
}

/** Where an answer came from. */
export type Origin = "manager" | "cache" | "stale";

/** A secret, or the word that the caller's version is still the active one. */
export type ReadAnswer = ReadFound | ReadNotModified;

/** A secret that was read. */
export interface ReadFound {
  readonly notModified: false;
  readonly secret: Secret;
  readonly servedFrom: Origin;
  /** How long ago the manager gave this answer, in milliseconds; undefined when it was asked for this call. */
  readonly ageMs: number | undefined;
}

/** The version the caller has is still the active one. */
export interface ReadNotModified {
  readonly notModified: true;
  readonly version: number | undefined;
  /** The generation; another one than the caller's is another secret with the same number. */
  readonly uid: string | undefined;
  readonly servedFrom: Origin;
  readonly ageMs: number | undefined;
}

/**
 * A read for the wire.
 * @throws SecretError `FIELD_INVALID` for what the wire cannot carry; everything else is the broker's to judge
 */
export function encodeReadRequest(request: ReadRequest): ReadSecretRequest {
  const maxStalenessMs = checkLengthMs("max_staleness", request.maxStalenessMs);
  return {
    name: encodeText("name", request.name),
    options: request.options,
    version: encodeUint32("version", request.version),
    field: encodeText("field", request.field ?? ""),
    knownVersion: encodeUint32("known_version", request.knownVersion),
    maxStaleness: maxStalenessMs === undefined ? undefined : durationFromMs(maxStalenessMs),
  };
}

/**
 * The answer to a read.
 * @throws SecretError `MANAGER_REPLY_INVALID`
 */
export function decodeReadAnswer(response: ReadSecretResponse, askedName: string): ReadAnswer {
  const { secret, notModified } = response;
  if (secret === undefined) throw invalidReply("no secret");
  const origin = { servedFrom: decodeOrigin(response.servedFrom), ageMs: response.age && msFromDuration(response.age) };
  if (notModified) {
    const { version, uid } = secret;
    return { notModified, version: decodeVersionNumber(version), uid: decodeText(uid), ...origin };
  }
  return { notModified, secret: decodeSecret(secret, askedName), ...origin };
}

function decodeOrigin(servedFrom: ServedFrom): Origin {
  switch (servedFrom) {
    case ServedFrom.CACHE:
      return "cache";
    case ServedFrom.STALE:
      return "stale";
    default:
      return "manager";
  }
}
