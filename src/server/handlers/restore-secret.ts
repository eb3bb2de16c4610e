import type { Broker } from "../../broker/broker.js";
import { RestoreSecretRequest, type RestoreSecretResponse } from "../../gen/secretbroker/v1/secret_broker.js";
import { FieldChecks } from "../requests/field-checks.js";
import type { UnaryRpc } from "../rpc.js";
import { wireMetadata } from "./wire-secret.js";

/** The longest name of a generation, in characters. */
export const maxUidLength = 128;

/** `SecretBroker.RestoreSecret`. */
export function restoreSecret(broker: Broker): UnaryRpc<RestoreSecretRequest, RestoreSecretResponse> {
  return {
    request: RestoreSecretRequest,
    handle: async (call, { options, ...request }) => {
      const checks = new FieldChecks();
      const name = checks.name("name", request.name);
      const uid = checks.optionalText("uid", request.uid, maxUidLength);
      checks.assertNone();
      return { secret: wireMetadata(await broker.restoreSecret(call, { name, uid, options })) };
    },
  };
}
