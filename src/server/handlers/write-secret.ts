import type { Broker } from "../../broker/broker.js";
import type { BrokerSettings } from "../../broker/broker-settings.js";
import { WriteSecretRequest, type WriteSecretResponse } from "../../gen/secretbroker/v1/secret_broker.js";
import { FieldChecks } from "../requests/field-checks.js";
import { payloadField } from "../requests/payload-field.js";
import { optionalTagsField } from "../requests/tags-field.js";
import { futureField } from "../requests/time-fields.js";
import type { UnaryRpc } from "../rpc.js";
import { wireVersion } from "./wire-secret.js";

/** The longest description, in characters. */
const maxDescriptionLength = 2_048;

/** The longest id of a change, in characters. */
export const maxRequestIdLength = 128;

/** `SecretBroker.WriteSecret`. */
export function writeSecret(
  broker: Broker,
  settings: () => BrokerSettings,
): UnaryRpc<WriteSecretRequest, WriteSecretResponse> {
  return {
    request: WriteSecretRequest,
    handle: async (call, request) => {
      const checks = new FieldChecks();
      const name = checks.name("name", request.name);
      const change = {
        name,
        payload: payloadField(checks, request.payload, settings().maxPayloadBytes),
        description: request.description && checks.text("description", request.description, maxDescriptionLength),
        tags: optionalTagsField(checks, request.tags),
        expectedVersion: request.expectedVersion,
        requestId: checks.optionalText("request_id", request.requestId, maxRequestIdLength),
        expireTime: futureField(checks, "expire_time", request.expireTime),
        activate: request.activate,
        options: request.options,
      };
      checks.assertNone();
      const written = await broker.writeSecret(call, change);
      return { version: wireVersion(name, { ...written, active: written.active ?? request.activate ?? true }) };
    },
  };
}
