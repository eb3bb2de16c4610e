import type { Broker } from "../../broker/broker.js";
import type { ReadRequest } from "../../broker/read-secret.js";
import { isSecretError, type SecretError } from "../../domain/secret-error.js";
import { BatchReadSecretsRequest, type ReadSecretRequest } from "../../gen/secretbroker/v1/secret_broker.js";
import { FieldChecks } from "../requests/field-checks.js";
import type { UnaryRpc } from "../rpc.js";
import type { BatchAnswer } from "./encode-batch-answer.js";
import { parseReadRequest } from "./read-secret.js";

const maxReads = 1_000;

/** `SecretBroker.BatchReadSecrets`. */
export function batchReadSecrets(broker: Broker): UnaryRpc<BatchReadSecretsRequest, BatchAnswer> {
  return {
    request: BatchReadSecretsRequest,
    handle: async (call, request) => {
      const checks = new FieldChecks();
      checks.list("reads", request.reads, maxReads);
      checks.assertNone();
      const items = await broker.batchReadSecrets(call, request.reads.map(parseItem), request.atomic);
      return { items, requestId: call.requestId };
    },
  };
}

/** A request that breaks a rule fails for itself; the rest of the batch goes on. */
function parseItem(request: ReadSecretRequest, index: number): ReadRequest | SecretError {
  try {
    return parseReadRequest(request, `reads[${String(index)}].`);
  } catch (error) {
    if (isSecretError(error)) return error;
    throw error;
  }
}
