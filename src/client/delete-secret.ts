import {
  type DeleteSecretRequest,
  type DeleteSecretResponse,
  DeleteStatus,
} from "../gen/secretbroker/v1/secret_broker.js";
import { decodeText, decodeTime, invalidReply } from "./decode-secret.js";
import { encodeText, encodeUint32, type ManagerOptions } from "./encode-field.js";

/** Asks to delete a secret. */
export interface DeleteRequest {
  readonly name: string;
  /** For how many days it can be restored, 0 to 3,650; 7 unless given. 0 destroys it at once. */
  readonly recoveryWindowInDays?: number | undefined;
  /** Delete only if this is the active version. */
  readonly expectedVersion?: number | undefined;
  /** Whether an absent name is an error; otherwise it is a result. */
  readonly mustExist?: boolean | undefined;
  /** A repetition with the same id and content is answered as the first time. */
  readonly idempotencyId?: string | undefined;
  readonly options?: ManagerOptions | undefined;
}

/** What became of a deletion. */
export interface DeleteAnswer {
  readonly status: "deleted" | "not_found";
  readonly uid: string | undefined;
  /** Until when it can be restored; undefined when it cannot. */
  readonly restorableUntil: Date | undefined;
}

/**
 * A deletion for the wire.
 * @throws SecretError `FIELD_INVALID` for what the wire cannot carry
 */
export function encodeDeleteRequest(request: DeleteRequest): DeleteSecretRequest {
  return {
    name: encodeText("name", request.name),
    recoveryWindowInDays: encodeUint32("recovery_window_in_days", request.recoveryWindowInDays),
    expectedVersion: encodeUint32("expected_version", request.expectedVersion),
    mustExist: request.mustExist ?? false,
    requestId: encodeText("request_id", request.idempotencyId ?? ""),
    options: request.options,
  };
}

/**
 * The result of a deletion from the wire.
 * @throws SecretError `MANAGER_REPLY_INVALID` when it does not say what became of the secret
 */
export function decodeDeleteAnswer(response: DeleteSecretResponse): DeleteAnswer {
  return {
    status: decodeStatus(response.status),
    uid: decodeText(response.uid),
    restorableUntil: decodeTime(response.restorableUntil),
  };
}

function decodeStatus(status: DeleteStatus): DeleteAnswer["status"] {
  if (status === DeleteStatus.DELETED) return "deleted";
  if (status === DeleteStatus.NOT_FOUND) return "not_found";
  throw invalidReply("a deletion without a status");
}
