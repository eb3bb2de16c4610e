import { SecretError } from "../domain/secret-error.js";
import type { DestroySecretRequest } from "../gen/secretbroker/v1/secret_broker.js";
import { encodeText, encodeUint32, type ManagerOptions } from "./encode-field.js";

/** Asks to destroy a version, or a whole generation; exactly one of the two is given. */
export interface DestroyRequest {
  readonly name: string;
  /** One version of the live generation, from 1 upwards. */
  readonly version?: number | undefined;
  /** A whole generation, live or deleted. */
  readonly uid?: string | undefined;
  readonly options?: ManagerOptions | undefined;
}

/**
 * A destruction for the wire.
 * @throws SecretError `FIELD_INVALID` for what the wire cannot carry, and unless there is one target
 */
export function encodeDestroyRequest({ name, version, uid, options }: DestroyRequest): DestroySecretRequest {
  if ((version === undefined) === (uid === undefined)) {
    const description = "must be one thing: either a version or a uid";
    throw SecretError.fieldInvalid([{ field: "target", description }]);
  }
  return { name: encodeText("name", name), target: encodeTarget(version, uid), options };
}

function encodeTarget(version: number | undefined, uid = ""): DestroySecretRequest["target"] {
  if (version === undefined) return { $case: "uid", value: encodeText("uid", uid) };
  return { $case: "version", value: encodeUint32("version", version) };
}
