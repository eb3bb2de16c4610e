import type { Administration } from "../../broker/administration.js";
import { UnfreezeSecretRequest, type UnfreezeSecretResponse } from "../../gen/secretbroker/v1/administration_broker.js";
import { FieldChecks } from "../requests/field-checks.js";
import type { UnaryRpc } from "../rpc.js";

/** `AdministrationBroker.UnfreezeSecret`. */
export function unfreezeSecret(
  administration: Administration,
): UnaryRpc<UnfreezeSecretRequest, UnfreezeSecretResponse> {
  return {
    request: UnfreezeSecretRequest,
    handle: async (call, request) => {
      const checks = new FieldChecks();
      const name = checks.name("name", request.name);
      checks.assertNone();
      await administration.unfreeze(call, name);
      return {};
    },
  };
}
