import type { Payload } from "../domain/payload.js";
import type { VersionDescription } from "../domain/secret.js";
import type { RotateSecretRequest, RotateSecretResponse } from "../gen/secretbroker/v1/secret_broker.js";
import { durationFromMs } from "../rpc/time.js";
import { decodeTime, decodeVersion } from "./decode-secret.js";
import { checkLengthMs, encodePayload, encodeText, type ManagerOptions } from "./encode-field.js";

/** Asks to replace a payload. */
export interface RotateRequest {
  readonly name: string;
  /** The name that takes over; the same name unless given. */
  readonly newName?: string | undefined;
  /** Stored exactly; must not be changed before the call has ended. */
  readonly payload: Payload;
  /** For how long the previous version stays readable by its number, in milliseconds. */
  readonly gracePeriodMs?: number | undefined;
  readonly options?: ManagerOptions | undefined;
}

/** The version that took over. */
export interface RotateAnswer extends VersionDescription {
  /** Until when the previous version, or the old name, can be brought back; undefined when it cannot. */
  readonly previousRestorableUntil: Date | undefined;
}

/**
 * A rotation for the wire.
 * @throws SecretError `FIELD_INVALID` for what the wire cannot carry
 */
export function encodeRotateRequest(request: RotateRequest): RotateSecretRequest {
  const gracePeriodMs = checkLengthMs("grace_period", request.gracePeriodMs);
  return {
    name: encodeText("name", request.name),
    newName: encodeText("new_name", request.newName ?? ""),
    payload: encodePayload(request.payload),
    gracePeriod: gracePeriodMs === undefined ? undefined : durationFromMs(gracePeriodMs),
    options: request.options,
  };
}

/** The result of a rotation from the wire. */
export function decodeRotateAnswer({ version, previousRestorableUntil }: RotateSecretResponse): RotateAnswer {
  return { ...decodeVersion(version), previousRestorableUntil: decodeTime(previousRestorableUntil) };
}
