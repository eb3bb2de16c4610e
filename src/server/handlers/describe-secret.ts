import type { Broker } from "../../broker/broker.js";
import { DescribeSecretRequest, type DescribeSecretResponse } from "../../gen/secretbroker/v1/secret_broker.js";
import { optionalTimestamp } from "../../rpc/time.js";
import { FieldChecks } from "../requests/field-checks.js";
import type { UnaryRpc } from "../rpc.js";
import { wireMetadata, wireVersion } from "./wire-secret.js";

/** `SecretBroker.DescribeSecret`. */
export function describeSecret(broker: Broker): UnaryRpc<DescribeSecretRequest, DescribeSecretResponse> {
  return {
    request: DescribeSecretRequest,
    handle: async (call, { options, ...request }) => {
      const checks = new FieldChecks();
      const name = checks.name("name", request.name);
      checks.assertNone();
      const described = await broker.describeSecret(call, { name, options });
      return {
        secret: wireMetadata(described),
        versions: (described.versions ?? []).map((version) => wireVersion(name, version)),
        changedBy: described.changedBy ?? "",
        changeTime: optionalTimestamp(described.updateTime),
      };
    },
  };
}
