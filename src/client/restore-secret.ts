import type { RestoreSecretRequest } from "../gen/secretbroker/v1/secret_broker.js";
import { encodeText, type ManagerOptions } from "./encode-field.js";

/** Asks to bring a deleted secret back. */
export interface RestoreRequest {
  readonly name: string;
  /** The generation; the one deleted last unless given. */
  readonly uid?: string | undefined;
  readonly options?: ManagerOptions | undefined;
}

/**
 * A restoration for the wire.
 * @throws SecretError `FIELD_INVALID` for what the wire cannot carry
 */
export function encodeRestoreRequest({ name, uid = "", options }: RestoreRequest): RestoreSecretRequest {
  return { name: encodeText("name", name), uid: encodeText("uid", uid), options };
}
