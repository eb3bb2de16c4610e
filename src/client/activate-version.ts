import type { ActivateSecretVersionRequest } from "../gen/secretbroker/v1/secret_broker.js";
import { encodeText, encodeUint32, type ManagerOptions } from "./encode-field.js";

/** Asks to make a version the active one. */
export interface ActivateRequest {
  readonly name: string;
  /** From 1 upwards. */
  readonly version: number;
  /** Activate only if this is the active version now. */
  readonly expectedVersion?: number | undefined;
  readonly options?: ManagerOptions | undefined;
}

/**
 * An activation for the wire.
 * @throws SecretError `FIELD_INVALID` for what the wire cannot carry
 */
export function encodeActivateRequest(request: ActivateRequest): ActivateSecretVersionRequest {
  return {
    name: encodeText("name", request.name),
    version: encodeUint32("version", request.version),
    expectedVersion: encodeUint32("expected_version", request.expectedVersion),
    options: request.options,
  };
}
