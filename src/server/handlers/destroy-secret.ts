import type { Broker, DestroyRequest } from "../../broker/broker.js";
import { DestroySecretRequest, type DestroySecretResponse } from "../../gen/secretbroker/v1/secret_broker.js";
import { FieldChecks } from "../requests/field-checks.js";
import type { UnaryRpc } from "../rpc.js";
import { maxUidLength } from "./restore-secret.js";

/** `SecretBroker.DestroySecret`. */
export function destroySecret(broker: Broker): UnaryRpc<DestroySecretRequest, DestroySecretResponse> {
  return {
    request: DestroySecretRequest,
    handle: async (call, { options, ...request }) => {
      const checks = new FieldChecks();
      const name = checks.name("name", request.name);
      const target = targetField(checks, request.target);
      checks.assertNone();
      await broker.destroySecret(call, { name, target, options });
      return {};
    },
  };
}

function targetField(checks: FieldChecks, target: DestroySecretRequest["target"]): DestroyRequest["target"] {
  if (target?.$case === "version") return { version: checks.range("version", target.value, [1, 0xffff_ffff]) };
  if (target?.$case !== "uid" || target.value === "") {
    checks.violate("target", 'must be set: give "version" or "uid"');
    return { uid: "" };
  }
  return { uid: checks.text("uid", target.value, maxUidLength) };
}
