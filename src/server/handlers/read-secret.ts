import type { Broker } from "../../broker/broker.js";
import type { ReadOrigin } from "../../broker/read-origin.js";
import type { ReadRequest, ReadResult } from "../../broker/read-secret.js";
import { maxSecretNameLength } from "../../domain/secret-name.js";
import { ReadSecretRequest, type ReadSecretResponse } from "../../gen/secretbroker/v1/secret_broker.js";
import { ServedFrom } from "../../gen/secretbroker/v1/secret.js";
import { durationFromMs } from "../../rpc/time.js";
import { FieldChecks } from "../requests/field-checks.js";
import { durationField } from "../requests/time-fields.js";
import type { UnaryRpc } from "../rpc.js";
import { wireSecret, wireUnmodified } from "./wire-secret.js";

const maxStalenessSeconds = 86_400;

/** Where an answer came from, as the wire has it. */
export const wireServedFrom: Readonly<Record<ReadOrigin["servedFrom"], ServedFrom>> = {
  manager: ServedFrom.MANAGER,
  cache: ServedFrom.CACHE,
  stale: ServedFrom.STALE,
};

/** `SecretBroker.ReadSecret`. */
export function readSecret(broker: Broker): UnaryRpc<ReadSecretRequest, ReadResult> {
  return {
    request: ReadSecretRequest,
    handle: (call, request) => broker.readSecret(call, parseReadRequest(request)),
  };
}

/**
 * What a read asks for.
 * @param path where the request stands in its message, such as `reads[3].`
 * @throws SecretError `FIELD_INVALID`
 */
export function parseReadRequest(request: ReadSecretRequest, path = ""): ReadRequest {
  const checks = new FieldChecks(path);
  const parsed: ReadRequest = {
    name: checks.name("name", request.name),
    options: request.options,
    version: checks.optionalVersion("version", request.version),
    field: checks.optionalText("field", request.field, maxSecretNameLength),
    knownVersion: request.knownVersion,
    maxStalenessMs: durationField(checks, ["max_staleness", request.maxStaleness], maxStalenessSeconds),
  };
  checks.assertNone();
  return parsed;
}

/** What a read answers. */
export function wireReadResult({ secret, notModified, origin }: ReadResult): ReadSecretResponse {
  return {
    secret: notModified ? wireUnmodified(secret) : wireSecret(secret),
    notModified,
    servedFrom: wireServedFrom[origin.servedFrom],
    age: origin.ageMs === undefined ? undefined : durationFromMs(wholeAgeMs(origin.ageMs)),
  };
}

/** An age as it is sent: never less than it is. */
export function wholeAgeMs(ageMs: number): number {
  return Math.ceil(ageMs);
}
