import type { Broker, Deletion } from "../../broker/broker.js";
import {
  DeleteSecretRequest,
  type DeleteSecretResponse,
  DeleteStatus,
} from "../../gen/secretbroker/v1/secret_broker.js";
import { optionalTimestamp } from "../../rpc/time.js";
import { FieldChecks } from "../requests/field-checks.js";
import type { UnaryRpc } from "../rpc.js";
import { maxRequestIdLength } from "./write-secret.js";

const defaultRecoveryWindowInDays = 7;
const maxRecoveryWindowInDays = 3_650;

/** `SecretBroker.DeleteSecret`. */
export function deleteSecret(broker: Broker): UnaryRpc<DeleteSecretRequest, DeleteSecretResponse> {
  return {
    request: DeleteSecretRequest,
    handle: async (call, request) => {
      const checks = new FieldChecks();
      const days = request.recoveryWindowInDays ?? defaultRecoveryWindowInDays;
      const asked = {
        name: checks.name("name", request.name),
        recoveryWindowInDays: checks.range("recovery_window_in_days", days, [0, maxRecoveryWindowInDays]),
        expectedVersion: checks.optionalVersion("expected_version", request.expectedVersion),
        mustExist: request.mustExist,
        requestId: checks.optionalText("request_id", request.requestId, maxRequestIdLength),
        options: request.options,
      };
      checks.assertNone();
      return wireDeletion(await broker.deleteSecret(call, asked));
    },
  };
}

/** What a deletion answers. */
export function wireDeletion({ status, uid, restorableUntil }: Deletion): DeleteSecretResponse {
  return {
    status: status === "deleted" ? DeleteStatus.DELETED : DeleteStatus.NOT_FOUND,
    uid: uid ?? "",
    restorableUntil: optionalTimestamp(restorableUntil),
  };
}
