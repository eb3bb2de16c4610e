import type { Administration } from "../../broker/administration.js";
import { FreezeSecretRequest, type FreezeSecretResponse } from "../../gen/secretbroker/v1/administration_broker.js";
import { FieldChecks } from "../requests/field-checks.js";
import type { UnaryRpc } from "../rpc.js";

/** The longest cause, in characters. */
const maxCauseLength = 1_024;

/** `AdministrationBroker.FreezeSecret`. */
export function freezeSecret(administration: Administration): UnaryRpc<FreezeSecretRequest, FreezeSecretResponse> {
  return {
    request: FreezeSecretRequest,
    handle: async (call, request) => {
      const checks = new FieldChecks();
      const name = checks.name("name", request.name);
      if (request.cause === "") checks.violate("cause", "must not be empty");
      const cause = checks.text("cause", request.cause, maxCauseLength);
      checks.assertNone();
      const { acknowledged, pending } = await administration.freeze(call, name, cause);
      return { acknowledgedCaches: acknowledged, pendingCaches: pending };
    },
  };
}
