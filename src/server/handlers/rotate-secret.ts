import type { Broker } from "../../broker/broker.js";
import type { BrokerSettings } from "../../broker/broker-settings.js";
import { RotateSecretRequest, type RotateSecretResponse } from "../../gen/secretbroker/v1/secret_broker.js";
import { optionalTimestamp } from "../../rpc/time.js";
import { FieldChecks } from "../requests/field-checks.js";
import { payloadField } from "../requests/payload-field.js";
import { durationField } from "../requests/time-fields.js";
import type { UnaryRpc } from "../rpc.js";
import { wireVersion } from "./wire-secret.js";

const maxGracePeriodSeconds = 315_360_000;

/** `SecretBroker.RotateSecret`. */
export function rotateSecret(
  broker: Broker,
  settings: () => BrokerSettings,
): UnaryRpc<RotateSecretRequest, RotateSecretResponse> {
  return {
    request: RotateSecretRequest,
    handle: async (call, request) => {
      const checks = new FieldChecks();
      const name = checks.name("name", request.name);
      const newName = request.newName === "" ? name : checks.name("new_name", request.newName);
      const payload = payloadField(checks, request.payload, settings().maxPayloadBytes);
      const gracePeriodMs = durationField(checks, ["grace_period", request.gracePeriod], maxGracePeriodSeconds);
      checks.assertNone();
      const rotated = await broker.rotateSecret(call, {
        name,
        newName,
        payload,
        gracePeriodMs,
        options: request.options,
      });
      return {
        version: wireVersion(newName, { ...rotated, active: rotated.active ?? true }),
        previousRestorableUntil: optionalTimestamp(rotated.previousRestorableUntil),
      };
    },
  };
}
