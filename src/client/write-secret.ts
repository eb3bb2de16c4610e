import type { Payload } from "../domain/payload.js";
import type { Tags } from "../domain/secret.js";
import type { WriteSecretRequest } from "../gen/secretbroker/v1/secret_broker.js";
import { optionalTimestamp } from "../rpc/time.js";
import { encodePayload, encodeTags, encodeText, encodeUint32, type ManagerOptions } from "./encode-field.js";

/** Asks to write a version. */
export interface WriteRequest {
  readonly name: string;
  /** Stored exactly; must not be changed before the call has ended. */
  readonly payload: Payload;
  /** Kept as it was unless given. */
  readonly description?: string | undefined;
  /** Kept as they were when empty or not given. */
  readonly tags?: Tags | undefined;
  /** Write only if this is the active version; 0 means the secret must not exist. */
  readonly expectedVersion?: number | undefined;
  /** A repetition with the same id and content is answered as the first time. */
  readonly idempotencyId?: string | undefined;
  /** When the version stops being readable. */
  readonly expireTime?: Date | undefined;
  /** Whether the new version becomes the active one; true unless given. */
  readonly activate?: boolean | undefined;
  readonly options?: ManagerOptions | undefined;
}

/**
 * A write for the wire.
 * @throws SecretError `FIELD_INVALID` for what the wire cannot carry
 */
export function encodeWriteRequest(request: WriteRequest): WriteSecretRequest {
  return {
    name: encodeText("name", request.name),
    payload: encodePayload(request.payload),
    description: request.description === undefined ? undefined : encodeText("description", request.description),
    tags: encodeTags(request.tags),
    expectedVersion: encodeUint32("expected_version", request.expectedVersion),
    requestId: encodeText("request_id", request.idempotencyId ?? ""),
    expireTime: optionalTimestamp(request.expireTime),
    activate: request.activate,
    options: request.options,
  };
}
