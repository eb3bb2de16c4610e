import type { Broker } from "../../broker/broker.js";
import {
  ActivateSecretVersionRequest,
  type ActivateSecretVersionResponse,
} from "../../gen/secretbroker/v1/secret_broker.js";
import { FieldChecks } from "../requests/field-checks.js";
import type { UnaryRpc } from "../rpc.js";
import { wireMetadata } from "./wire-secret.js";

/** `SecretBroker.ActivateSecretVersion`. */
export function activateSecretVersion(
  broker: Broker,
): UnaryRpc<ActivateSecretVersionRequest, ActivateSecretVersionResponse> {
  return {
    request: ActivateSecretVersionRequest,
    handle: async (call, { options, ...request }) => {
      const checks = new FieldChecks();
      const name = checks.name("name", request.name);
      const version = checks.range("version", request.version, [1, 0xffff_ffff]);
      const expectedVersion = checks.optionalVersion("expected_version", request.expectedVersion);
      checks.assertNone();
      return {
        secret: wireMetadata(await broker.activateSecretVersion(call, { name, version, expectedVersion, options })),
      };
    },
  };
}
